"""Which streams take the short way of ours, and that a program finds asyncio's own in them."""

import asyncio
import inspect
import sys
import weakref

import pytest

from mainspring.net import streams as short

from .stream_support import SIDES, streams
from .support import reset, until_true
from .test_stream_readers import Reader
from .tls_support import NAME, client_context, server_context


@pytest.fixture(params=SIDES)
def side(request):
    return request.param


async def own_streams(bench, make_reader, keep=lambda reader: reader):
    """Returns what a program's own factory keeps of a reader, and then the streams and the peer."""
    kept = []
    connected = bench.loop.create_future()

    def factory():
        reader = make_reader(loop=bench.loop)
        kept.append(keep(reader))
        return asyncio.StreamReaderProtocol(
            reader, lambda *streams: connected.set_result(streams), loop=bench.loop
        )

    _, address = await bench.serve(factory)
    bench.accepted.clear()
    peer = bench.dial(address)
    reader, writer = await connected
    bench.accepted.append(writer)
    return kept[0], reader, writer, peer


def test_streams_of_a_connection_are_asyncios(bench, run, side):
    async def main():
        reader, writer, _ = await streams(bench, side)
        assert isinstance(reader, asyncio.StreamReader)
        assert isinstance(writer, asyncio.StreamWriter)
        assert repr(reader).startswith("<StreamReader transport=")
        assert repr(writer).startswith("<StreamWriter transport=")
        for method in (reader.read, reader.readexactly, reader.readline, writer.drain):
            assert inspect.iscoroutinefunction(method)
        protocol = writer.transport.get_protocol()
        assert type(protocol) is asyncio.StreamReaderProtocol
        assert protocol._stream_reader is reader

    run(main())


def test_streams_that_asyncio_makes_take_the_short_way(our_bench, our_run, side):
    async def main():
        reader, writer, _ = await streams(our_bench, side)
        assert type(reader) is short.StreamReader
        # That of a client is made when all is done.
        made = short.StreamWriter if side == "server" else asyncio.StreamWriter
        assert type(writer) is made

    our_run(main())


def test_encrypted_streams_take_it_too_and_so_do_those_encrypted_later(our_bench, our_run):
    async def main():
        connected = our_bench.loop.create_future()

        async def answer(reader, writer):
            await writer.start_tls(server_context())
            connected.set_result((reader, writer))

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        our_bench.servers.append(server)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await writer.start_tls(client_context(), server_hostname=NAME)
        served, answering = await connected
        our_bench.accepted = [answering]
        assert type(reader) is type(served) is short.StreamReader
        answering.write(b"encrypted")
        assert await reader.readexactly(9) == b"encrypted"
        for side in (writer, answering):
            side.close()
            await side.wait_closed()

    our_run(main())


def test_a_reader_of_a_class_of_its_own_keeps_it(bench, run):
    async def main():
        kept, reader, writer, peer = await own_streams(bench, Reader)
        assert kept is reader
        assert type(reader) is Reader
        assert type(writer) is asyncio.StreamWriter
        peer.sendall(b"data")
        assert await reader.read(4) == b"data"

    run(main())


def test_a_reader_that_somebody_holds_stays_the_object_that_it_is(bench, run):
    async def main():
        kept, reader, writer, peer = await own_streams(bench, asyncio.StreamReader)
        assert kept is reader
        assert writer._reader is reader
        peer.sendall(b"data")
        assert await reader.read(4) == b"data"

    run(main())


@pytest.mark.parametrize("refer", [weakref.ref, lambda reader: weakref.ref(reader, print)])
def test_a_reader_that_somebody_refers_to_weakly_stays_the_object_that_it_is(bench, run, refer):
    async def main():
        kept, reader, _, _ = await own_streams(bench, asyncio.StreamReader, keep=refer)
        assert kept() is reader

    run(main())


@pytest.mark.parametrize("name", ["read", "readexactly", "readline"])
def test_a_read_that_was_put_in_the_place_of_asyncios_is_called(
    bench, run, side, monkeypatch, name
):
    called = []
    original = getattr(asyncio.StreamReader, name)

    async def read(self, *arguments):
        called.append(name)
        return await original(self, *arguments)

    monkeypatch.setattr(asyncio.StreamReader, name, read)

    async def main():
        reader, _, peer = await streams(bench, side)
        peer.sendall(b"line\n")
        assert await getattr(reader, name)(*([] if name == "readline" else [5])) == b"line\n"
        assert called == [name]

    run(main())


def test_a_server_may_call_back_a_function_that_fails(bench, run, reported):
    def fail(reader, writer):
        writer.close()
        raise ZeroDivisionError

    async def main():
        server = await asyncio.start_server(fail, "127.0.0.1", 0)
        bench.servers.append(server)
        bench.dial(server.sockets[0].getsockname())
        await until_true(bench.loop, lambda: reported)

    run(main())
    [report] = reported.take()
    assert isinstance(report["exception"], ZeroDivisionError)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the protocol keeps it, before 3.13")
def test_a_writer_that_is_dropped_before_it_is_closed_says_so_once(bench, run):
    async def main():
        connected = bench.loop.create_future()
        ending = asyncio.Event()

        async def handle(reader, writer):
            connected.set_result(weakref.ref(writer))
            await ending.wait()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        bench.servers.append(server)
        peer = bench.dial(server.sockets[0].getsockname())
        writer = await connected
        ending.set()
        with pytest.warns(ResourceWarning, match="unclosed <StreamWriter") as warned:
            await until_true(bench.loop, lambda: writer() is None)
        assert len(warned) == 1
        assert await bench.loop.run_in_executor(None, peer.recv, 1) == b""

    run(main())


def test_a_drain_that_is_not_awaited_is_told_of(bench, run, side):
    async def main():
        _, writer, _ = await streams(bench, side)
        with pytest.warns(RuntimeWarning, match=r"StreamWriter\.drain' was never awaited"):
            writer.drain()

    run(main())


def test_drain_waits_while_the_protocol_is_paused(bench, run, side):
    async def main():
        _, writer, peer = await streams(bench, side)
        while not writer._protocol._paused:
            writer.write(bytes(100_000))
            await asyncio.sleep(0)
        draining = bench.loop.create_task(writer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        reading = bench.loop.run_in_executor(None, lambda: [*iter(lambda: peer.recv(65536), b"")])
        await draining
        writer.close()
        await reading

    run(main())


def test_drain_raises_what_ended_the_connection(bench, run, side):
    async def main():
        _, writer, peer = await streams(bench, side)
        await writer.drain()
        reset(peer)
        await until_true(bench.loop, lambda: writer._protocol._connection_lost)
        with pytest.raises(ConnectionResetError):
            await writer.drain()

    run(main())


def test_drain_lets_the_loop_end_a_connection_that_closes(bench, run, side):
    async def main():
        _, writer, _ = await streams(bench, side)
        writer.close()

        async def drain_for_ever():
            while True:
                await writer.drain()

        with pytest.raises(ConnectionResetError, match="Connection lost"):
            await drain_for_ever()

    run(main())
