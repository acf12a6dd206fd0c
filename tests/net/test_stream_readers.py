"""Readers of streams that are fed by a transport, and those with methods of their own."""

import asyncio
import gc
import select

import pytest

from .support import await_readable, until_true


class Reader(asyncio.StreamReader):
    """A reader of somebody's own."""

    fed = b""

    def feed_data(self, data):
        self.fed += data
        super().feed_data(data)


async def connected(bench, made=asyncio.StreamReader, **options):
    """Returns a reader, its transport, and the raw socket at the other end."""
    reader = made(loop=bench.loop, **options)
    transport, _, peer = await bench.connect(asyncio.StreamReaderProtocol(reader, loop=bench.loop))
    return reader, transport, peer


def test_a_reader_with_a_feed_data_of_its_own_is_fed_by_it(bench, run):
    async def main():
        reader, _, peer = await connected(bench, Reader)
        peer.sendall(b"data")
        assert await reader.readexactly(4) == b"data"
        assert reader.fed == b"data"

    run(main())


def test_a_feed_data_that_was_put_in_the_place_of_asyncios_is_called(bench, run, monkeypatch):
    fed = []
    original = asyncio.StreamReader.feed_data

    def feed_data(self, data):
        fed.append(data)
        original(self, data)

    monkeypatch.setattr(asyncio.StreamReader, "feed_data", feed_data)

    async def main():
        reader, _, peer = await connected(bench)
        peer.sendall(b"data")
        assert await reader.readexactly(4) == b"data"
        assert fed == [b"data"]

    run(main())


def test_a_reader_that_holds_twice_its_limit_pauses_the_transport_until_it_is_read(bench, run):
    async def main():
        reader, transport, peer = await connected(bench, limit=1000)
        peer.sendall(b"x" * 2000)
        await until_true(bench.loop, lambda: len(reader._buffer) == 2000)
        assert transport.is_reading()
        peer.sendall(b"x")
        await until_true(bench.loop, lambda: not transport.is_reading())
        assert await reader.readexactly(1001) == b"x" * 1001
        assert transport.is_reading()

    run(main())


def test_data_for_a_reader_that_nobody_holds_is_dropped(bench, run, reported):
    async def main():
        reader, transport, peer = await connected(bench)
        sock = transport.get_extra_info("socket")
        del reader
        gc.collect()
        peer.sendall(b"data")
        await_readable(sock)
        await until_true(bench.loop, lambda: not select.select([sock], [], [], 0)[0])
        assert not transport.is_closing()

    run(main())
    assert reported.messages() == []


def test_data_after_the_end_that_a_program_fed_is_an_error(bench, run, reported):
    async def main():
        reader, transport, peer = await connected(bench)
        reader.feed_eof()
        peer.sendall(b"data")
        with pytest.raises(AssertionError, match="feed_data after feed_eof"):
            await transport.get_protocol()._get_close_waiter(None)

    run(main())
    assert reported.messages() == ["Fatal error: protocol.data_received() call failed."]


def test_a_read_that_was_cancelled_leaves_what_comes_to_the_next(bench, run):
    async def main():
        reader, _, peer = await connected(bench)
        first = bench.loop.create_task(reader.read(4))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        peer.sendall(b"data")
        assert await reader.read(4) == b"data"

    run(main())


def test_a_program_sees_the_protocol_and_not_what_feeds_its_reader(bench, run):
    async def main():
        _, transport, _ = await connected(bench)
        assert type(transport.get_protocol()) is asyncio.StreamReaderProtocol

    run(main())
