"""The marks of the write buffer, and when a protocol is told to pause and to resume."""

import math
import sys

import pytest

from .support import Recorder, next_iteration, receive_all

MUCH = bytes(300_000)


async def drained(bench, peer, transport):
    """Closes a transport and reads all that comes of it."""
    transport.close()
    return await bench.loop.run_in_executor(None, receive_all, peer)


def test_the_protocol_is_paused_above_the_high_mark_and_resumed_when_it_is_sent(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(MUCH)
        assert protocol.events == ["made", "pause"]
        assert len(await drained(bench, peer, transport)) == len(MUCH)
        await protocol.lost()
        assert protocol.events == ["made", "pause", "resume", ("lost", None)]

    run(main())


def test_the_protocol_is_paused_once_however_much_is_written(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect(small=True)
        for _ in range(5):
            transport.write(MUCH)
        assert protocol.events == ["made", "pause"]

    run(main())


def test_the_protocol_is_not_paused_at_the_high_mark_itself(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect(small=True)
        transport.set_write_buffer_limits(high=len(MUCH))
        transport.write(MUCH)
        await next_iteration(bench.loop)
        left = transport.get_write_buffer_size()
        transport.set_write_buffer_limits(high=left)
        assert protocol.events == ["made"]
        transport.set_write_buffer_limits(high=left - 1)
        assert protocol.events == ["made", "pause"]

    run(main())


def test_a_write_that_the_system_takes_at_once_does_not_pause(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.set_write_buffer_limits(high=10)
        transport.write(bytes(1000))
        assert protocol.events == ["made"]

    run(main())


def test_with_a_high_mark_of_zero_any_unsent_byte_pauses_and_only_none_resumes(bench, run):
    class Sized(Recorder):
        def resume_writing(self):
            self.note(("resumed at", self.transport.get_write_buffer_size()))

    async def main():
        transport, protocol, peer = await bench.connect(Sized(), small=True)
        transport.set_write_buffer_limits(high=0)
        assert transport.get_write_buffer_limits() == (0, 0)
        transport.write(MUCH)
        assert protocol.events == ["made", "pause"]
        await drained(bench, peer, transport)
        assert ("resumed at", 0) in protocol.events

    run(main())


def test_the_protocol_is_resumed_at_the_low_mark_or_below(bench, run):
    class Sized(Recorder):
        def resume_writing(self):
            self.left = self.transport.get_write_buffer_size()
            self.note("resume")

    async def main():
        transport, protocol, peer = await bench.connect(Sized(), small=True)
        transport.set_write_buffer_limits(high=100_000, low=50_000)
        transport.write(MUCH)
        await drained(bench, peer, transport)
        assert protocol.left <= 50_000

    run(main())


def test_what_resume_writing_writes_is_sent(bench, run):
    class Refill(Recorder):
        turns = 3

        def resume_writing(self):
            super().resume_writing()
            self.turns -= 1
            if self.turns:
                self.transport.write(MUCH)
            else:
                self.transport.close()

    async def main():
        transport, protocol, peer = await bench.connect(Refill(), small=True)
        transport.write(MUCH)
        data = await bench.loop.run_in_executor(None, receive_all, peer)
        await protocol.lost()
        assert len(data) == 3 * len(MUCH)
        assert protocol.events == ["made", *["pause", "resume"] * 3, ("lost", None)]

    run(main())


def test_pause_writing_may_write_more(bench, run):
    class Greedy(Recorder):
        def pause_writing(self):
            super().pause_writing()
            self.transport.write(b"more")

    async def main():
        transport, protocol, peer = await bench.connect(Greedy(), small=True)
        transport.write(MUCH)
        assert await drained(bench, peer, transport) == MUCH + b"more"
        await protocol.lost()
        assert protocol.events.count("pause") == 1

    run(main())


def test_pause_writing_may_abort(bench, run):
    class Impatient(Recorder):
        def pause_writing(self):
            super().pause_writing()
            self.transport.abort()

    async def main():
        transport, protocol, _ = await bench.connect(Impatient(), small=True)
        transport.write(MUCH)
        await protocol.lost()
        assert protocol.events == ["made", "pause", ("lost", None)]
        assert transport.get_write_buffer_size() == 0

    run(main())


def test_resume_writing_may_abort(our_bench, our_run):
    """In asyncio the socket is then closed a second time, which fails."""

    class Impatient(Recorder):
        def resume_writing(self):
            super().resume_writing()
            self.transport.abort()

    async def main():
        transport, protocol, peer = await our_bench.connect(Impatient(), small=True)
        transport.write(MUCH)
        await our_bench.loop.run_in_executor(None, receive_all, peer)
        await protocol.lost()
        assert protocol.events == ["made", "pause", "resume", ("lost", None)]

    our_run(main())


def test_a_paused_protocol_that_is_aborted_is_not_resumed(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect(small=True)
        transport.write(MUCH)
        transport.abort()
        await protocol.lost()
        assert protocol.events == ["made", "pause", ("lost", None)]

    run(main())


def test_marks_are_64_and_16_kib_by_default(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert transport.get_write_buffer_limits() == (16384, 65536)

    run(main())


@pytest.mark.parametrize(
    ("given", "marks"),
    [
        ({}, (16384, 65536)),
        ({"high": 100}, (25, 100)),
        ({"low": 100}, (100, 400)),
        ({"high": 7, "low": 7}, (7, 7)),
        ({"high": 0}, (0, 0)),
        ({"high": 1.5e6, "low": 0.5}, (0, 1_500_000)),
        ({"high": math.inf, "low": 5}, (5, sys.maxsize)),
        ({"high": 1 << 80, "low": 5}, (5, sys.maxsize)),
    ],
)
def test_a_mark_that_is_not_given_follows_from_the_other(given, marks, bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        transport.set_write_buffer_limits(1_000, 999)
        transport.set_write_buffer_limits(**given)
        low, high = transport.get_write_buffer_limits()
        # Of what isn't whole asyncio's says it as it was given; only whole bytes are counted.
        assert (int(low), int(min(high, sys.maxsize))) == marks

    run(main())


@pytest.mark.parametrize("given", [(1, 2), (-1, None), (10, -1), (math.nan, 1)])
def test_marks_out_of_order_are_refused_and_nothing_changes(given, bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        with pytest.raises(ValueError, match="must be >= low"):
            transport.set_write_buffer_limits(*given)
        assert transport.get_write_buffer_limits() == (16384, 65536)

    run(main())


def test_a_high_mark_below_what_waits_pauses_at_once(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect(small=True)
        transport.set_write_buffer_limits(high=10_000_000)
        transport.write(MUCH)
        assert protocol.events == ["made"]
        transport.set_write_buffer_limits(high=100)
        assert protocol.events == ["made", "pause"]

    run(main())


def test_the_size_of_the_buffer_is_what_the_system_has_not_taken(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.set_write_buffer_limits(high=0)
        transport.write(MUCH)
        left = transport.get_write_buffer_size()
        assert 0 < left < len(MUCH)
        await drained(bench, peer, transport)
        await protocol.lost()
        assert transport.get_write_buffer_size() == 0

    run(main())
