"""What a read of asyncio's streams returns, holds back, waits for and raises, on either side."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import LOOPS, Bench
from .stream_support import SIDES, streams, until_held
from .support import next_iteration, reset, until_true

READS = {
    "read": lambda reader: reader.read(4),
    "readexactly": lambda reader: reader.readexactly(4),
    "readline": lambda reader: reader.readline(),
    "readuntil": lambda reader: reader.readuntil(b"\n"),
}


@pytest.fixture(params=SIDES)
def side(request):
    return request.param


@pytest.fixture(params=READS)
def read(request):
    return READS[request.param]


def test_what_is_more_than_was_read_is_there_for_the_next(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"12345678\nrest")
        assert await reader.readexactly(2) == b"12"
        assert await reader.read(3) == b"345"
        assert await reader.readline() == b"678\n"
        assert await reader.read(100) == b"rest"

    run(main())


def test_pieces_that_came_one_by_one_are_read_as_one(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        for number, word in enumerate([b"one ", b"two ", b"six\n"], 1):
            peer.sendall(word)
            await until_held(bench, reader, 4 * number)
        assert await reader.read(100) == b"one two six\n"

    run(main())


def test_a_read_waits_for_what_it_asks(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        reading = bench.loop.create_task(reader.readline())
        for piece in (b"a ", b"line", b"\nand more"):
            await next_iteration(bench.loop)
            assert not reading.done()
            peer.sendall(piece)
        assert await reading == b"a line\n"
        reading = bench.loop.create_task(reader.readexactly(10))
        await next_iteration(bench.loop)
        assert not reading.done()
        peer.sendall(b"12")
        assert await reading == b"and more12"

    run(main())


def test_the_buffer_of_a_reader_shows_and_gives_away_what_it_holds(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"data")
        await until_held(bench, reader, 4)
        assert "4 bytes" in repr(reader)
        del reader._buffer[:1]
        assert await reader.read(2) == b"at"
        reader._buffer.clear()
        peer.sendall(b"more")
        await until_held(bench, reader, 4)
        reader.feed_data(b"over")
        reader._buffer = reader._buffer[2:]
        assert await reader.read(100) == b"reover"

    run(main())


def test_two_cannot_wait_at_once(bench, run, side, read):
    async def main():
        reader, _, peer = await streams(bench, side)
        first = bench.loop.create_task(reader.read(1))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"read\w*\(\) called while another coroutine"):
            await read(reader)
        peer.sendall(b"1")
        assert await first == b"1"

    run(main())


def test_data_that_had_come_when_a_read_was_cancelled_stays(bench, run, side, read):
    async def main():
        reader, _, peer = await streams(bench, side)
        # By hand, as a task would: this one is cancelled after it was to be woken.
        reading = read(reader)
        arrival = reading.send(None)
        peer.sendall(b"abc\n")
        await until_true(bench.loop, arrival.done)
        with pytest.raises(asyncio.CancelledError):
            reading.throw(asyncio.CancelledError)
        assert await read(reader) == b"abc\n"

    run(main())


def test_a_read_that_needs_more_than_the_limits_resumes_the_transport(bench, run, side):
    async def main():
        reader, writer, peer = await streams(bench, side, limit=1000)
        peer.sendall(b"x" * 3000)
        await until_true(bench.loop, lambda: not writer.transport.is_reading())
        reading = bench.loop.create_task(reader.readexactly(5000))
        await until_true(bench.loop, writer.transport.is_reading)
        peer.sendall(b"x" * 2001)
        assert await reading == b"x" * 5000
        assert await reader.read(10) == b"x"
        assert writer.transport.is_reading()

    run(main())


def test_a_line_beyond_the_limit_is_an_error_and_is_skipped(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side, limit=10)
        peer.sendall(b"0123456789\n")
        assert await reader.readline() == b"0123456789\n"
        peer.sendall(b"0123456789A\nnext\n")
        await until_held(bench, reader, 17)
        with pytest.raises(ValueError, match="longer than limit"):
            await reader.readline()
        assert await reader.readline() == b"next\n"
        peer.sendall(b"no end of it")
        await until_held(bench, reader, 12)
        with pytest.raises(ValueError, match="exceed the limit"):
            await reader.readline()
        assert not reader._buffer

    run(main())


def test_at_the_end_a_read_returns_what_is_left(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"first\nrest")
        peer.close()
        await until_true(bench.loop, lambda: reader._eof)
        assert not reader.at_eof()
        assert await reader.readline() == b"first\n"
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await reader.readexactly(5)
        assert caught.value.partial == b"rest"
        assert reader.at_eof()
        assert await reader.read(5) == await reader.read() == await reader.readline() == b""

    run(main())


def test_a_read_that_waits_ends_with_the_connection(bench, run, side, read):
    async def main():
        reader, _, peer = await streams(bench, side)
        reading = bench.loop.create_task(read(reader))
        await asyncio.sleep(0)
        reset(peer)
        with pytest.raises(ConnectionResetError):
            await reading
        with pytest.raises(ConnectionResetError):
            await read(reader)

    run(main())


@pytest.mark.parametrize("many", [2**31, 2**63, 10**30])
def test_a_number_beyond_all_sizes_is_as_good_as_any(bench, run, side, many):
    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"data")
        assert await reader.read(many) == b"data"
        peer.sendall(b"data")
        peer.close()
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(many)

    run(main())


def test_what_is_no_size_is_refused(bench, run, side):
    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"data")
        await until_held(bench, reader, 4)
        with pytest.raises(ValueError, match="less than zero"):
            await reader.readexactly(-1)
        for size in (None, "4", 3.5):
            with pytest.raises(TypeError):
                await reader.read(size)
            with pytest.raises(TypeError):
                await reader.readexactly(size)
        assert await reader.read(0) == await reader.readexactly(0) == b""
        assert await reader.read(4) == b"data"

    run(main())


WORDS = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"x" * 30]), min_size=1).map(b"".join)
# What comes, and whether it is looked at before more does.
PIECES = st.lists(st.tuples(WORDS, st.booleans()), max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 50)),
        st.tuples(st.just("readexactly"), st.integers(0, 50)),
        st.tuples(st.just("readline")),
        st.tuples(st.just("readuntil"), st.sampled_from([b"\n", b"c\n", b"xa"])),
        st.tuples(st.just("look")),
    ),
    max_size=20,
)


async def taken(reader, steps):
    """Returns what each step gave, up to the end of the data."""
    results = []
    for name, *arguments in steps:
        try:
            if name == "look":
                results.append(bytes(reader._buffer))
            else:
                results.append(await getattr(reader, name)(*arguments))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as exc:
            results.append((type(exc), exc.args))
    return results


@pytest.mark.parametrize("make", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("side", SIDES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=PIECES, steps=STEPS)
def test_a_reader_gives_what_one_gives_that_was_fed_by_hand(make, side, pieces, steps):
    loop = make()
    bench = Bench(loop)

    async def main():
        reader, _, peer = await streams(bench, side, limit=40)
        model = asyncio.StreamReader(limit=40)
        held = 0
        for piece, is_looked_at in pieces:
            # More would pause the transport, and the end wouldn't come.
            if held + len(piece) <= 80:
                model.feed_data(piece)
                peer.sendall(piece)
                held += len(piece)
                if is_looked_at:
                    await until_held(bench, reader, held)
        model.feed_eof()
        peer.close()
        await until_true(loop, lambda: reader._eof)
        assert await taken(reader, steps) == await taken(model, steps)

    try:
        bench.run(main())
    finally:
        bench.close()
        loop.close()
