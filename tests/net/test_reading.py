"""Pausing and resuming, and the two ends of a connection apart from each other."""

import pytest

from .support import HalfOpen, Recorder, await_readable, next_iteration

MUCH = b"x" * 1_000_000


def test_a_paused_transport_receives_nothing_until_it_is_resumed(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.pause_reading()
        peer.sendall(b"data")
        await_readable(transport.get_extra_info("socket"))
        await next_iteration(bench.loop)
        assert protocol.events == ["made"]
        transport.resume_reading()
        assert await protocol.receives(4) == b"data"

    run(main())


def test_is_reading_tells_whether_the_transport_reads(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        seen = [transport.is_reading()]
        transport.pause_reading()
        seen.append(transport.is_reading())
        transport.resume_reading()
        seen.append(transport.is_reading())
        transport.close()
        seen.append(transport.is_reading())
        assert seen == [True, False, True, False]

    run(main())


def test_programs_on_asyncio_own_loop_find_the_private_paused(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        seen = [transport._paused]
        transport.pause_reading()
        seen.append(transport._paused)
        transport.resume_reading()
        seen.append(transport._paused)
        assert seen == [False, True, False]

    run(main())


def test_pausing_twice_is_pausing_once(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.pause_reading()
        transport.pause_reading()
        transport.resume_reading()
        peer.sendall(b"data")
        assert await protocol.receives(4) == b"data"

    run(main())


def test_resuming_what_is_not_paused_does_nothing(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.resume_reading()
        peer.sendall(b"data")
        assert await protocol.receives(4) == b"data"
        assert transport.is_reading()

    run(main())


def test_pausing_within_data_received_holds_back_the_rest(bench, run):
    class OneByOne(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    async def main():
        transport, protocol, peer = await bench.connect(OneByOne())
        peer.setblocking(False)
        sending = bench.loop.create_task(bench.loop.sock_sendall(peer, MUCH))
        await protocol.until(lambda: protocol.received)
        first = len(protocol.received)
        await next_iteration(bench.loop)
        assert len(protocol.received) == first < len(MUCH)
        transport.set_protocol(rest := Recorder())
        transport.resume_reading()
        await rest.receives(len(MUCH) - first)
        await sending

    run(main())


def test_pausing_in_connection_made_holds_back_the_first_byte(bench, run):
    class Shy(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    async def main():
        ours, peer = bench.pair()
        peer.sendall(b"early")
        await_readable(ours)
        transport, protocol = await bench.loop.create_connection(Shy, sock=ours)
        bench.transports.append(transport)
        await next_iteration(bench.loop)
        assert protocol.events == ["made"]
        transport.resume_reading()
        assert await protocol.receives(5) == b"early"

    run(main())


def test_pausing_and_resuming_in_connection_made_changes_nothing(bench, run):
    class Undecided(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            transport.resume_reading()

    async def main():
        _, protocol, peer = await bench.connect(Undecided())
        peer.sendall(b"data")
        assert await protocol.receives(4) == b"data"

    run(main())


@pytest.mark.parametrize("method", ["pause_reading", "resume_reading"])
def test_pausing_and_resuming_a_lost_connection_does_nothing(method, bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.close()
        getattr(transport, method)()
        await protocol.lost()
        getattr(transport, method)()
        assert protocol.events == ["made", ("lost", None)]

    run(main())


def test_a_paused_transport_can_close(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.pause_reading()
        transport.close()
        assert await protocol.lost() is None

    run(main())


def test_a_paused_transport_still_sends(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        transport.pause_reading()
        transport.write(b"data")
        await next_iteration(bench.loop)
        assert peer.recv(10) == b"data"

    run(main())


def test_eof_waits_behind_a_pause(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.pause_reading()
        peer.close()
        await_readable(transport.get_extra_info("socket"))
        await next_iteration(bench.loop)
        assert protocol.events == ["made"]
        transport.resume_reading()
        await protocol.lost()
        assert protocol.events == ["made", "eof", ("lost", None)]

    run(main())


def test_eof_is_received_once_however_often_reading_is_resumed(our_bench, our_run):
    async def main():
        transport, protocol, peer = await our_bench.connect(HalfOpen())
        peer.shutdown(1)
        await protocol.seen("eof")
        transport.pause_reading()
        transport.resume_reading()
        await next_iteration(our_bench.loop)
        assert protocol.events == ["made", "eof"]

    our_run(main())


def test_both_sides_can_end_one_after_the_other(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(HalfOpen())
        transport.write_eof()
        assert peer.recv(1) == b""
        peer.sendall(b"last words")
        peer.close()
        await protocol.seen("eof")
        assert protocol.received == b"last words"
        assert not transport.is_closing()
        transport.close()
        assert await protocol.lost() is None

    run(main())
