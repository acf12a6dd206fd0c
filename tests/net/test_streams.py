"""asyncio's streams, which are written on transports: `start_server` and `open_connection`."""

import asyncio

import pytest

from .support import receive_all, reset


async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def served(bench, handle):
    """Returns a server that is closed with the bench, a reader and a writer connected to it."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    bench.accepted = []
    bench.servers.append(server)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    return server, reader, writer


async def closed(writer):
    writer.close()
    await writer.wait_closed()


def test_what_is_written_comes_back_from_an_echo(bench, run):
    async def main():
        _, reader, writer = await served(bench, echo)
        for word in (b"one\n", b"two\n"):
            writer.write(word)
            assert await reader.readline() == word
        await closed(writer)

    run(main())


def test_much_data_makes_the_round_with_drain_and_limits(bench, run):
    data = bytes(range(256)) * 10_000

    async def main():
        _, reader, writer = await served(bench, echo)

        async def send():
            for start in range(0, len(data), 50_000):
                writer.write(data[start : start + 50_000])
                await writer.drain()
            writer.write_eof()

        sending = bench.loop.create_task(send())
        assert await reader.read() == data
        await sending
        await closed(writer)

    run(main())


def test_readexactly_and_readuntil_wait_for_what_they_ask(bench, run):
    async def main():
        _, reader, writer = await served(bench, echo)
        writer.write(b"12345;rest")
        assert await reader.readexactly(2) == b"12"
        assert await reader.readuntil(b";") == b"345;"
        writer.write_eof()
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await reader.readexactly(100)
        assert caught.value.partial == b"rest"
        await closed(writer)

    run(main())


def test_a_reader_is_at_eof_when_the_other_side_has_ended(bench, run):
    async def handle(reader, writer):
        writer.write(b"bye")
        await closed(writer)

    async def main():
        _, reader, writer = await served(bench, handle)
        assert await reader.read() == b"bye"
        assert reader.at_eof()
        await closed(writer)

    run(main())


def test_a_reset_reaches_the_reader(bench, run):
    async def main():
        ours, peer = bench.pair()
        reader, writer = await asyncio.open_connection(sock=ours)
        reset(peer)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises(ConnectionResetError):
            await closed(writer)

    run(main())


def test_drain_waits_until_the_other_side_reads(bench, run):
    async def main():
        ours, peer = bench.pair(small=True)
        _, writer = await asyncio.open_connection(sock=ours)
        writer.write(bytes(500_000))
        draining = bench.loop.create_task(writer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        reading = bench.loop.run_in_executor(None, receive_all, peer)
        await draining
        await closed(writer)
        assert len(await reading) == 500_000

    run(main())


def test_a_writer_knows_its_connection(bench, run):
    async def main():
        server, _, writer = await served(bench, echo)
        assert writer.get_extra_info("peername") == server.sockets[0].getsockname()
        assert writer.can_write_eof()
        assert not writer.is_closing()
        await closed(writer)
        assert writer.is_closing()

    run(main())


def test_a_handler_that_raises_is_reported(bench, run, reported):
    async def fail(reader, writer):
        writer.close()
        raise ZeroDivisionError

    async def main():
        _, reader, writer = await served(bench, fail)
        assert await reader.read() == b""
        await closed(writer)
        while not reported:
            await asyncio.sleep(0)
        [report] = reported.take()
        assert isinstance(report["exception"], ZeroDivisionError)

    run(main())


def test_many_connections_echo_at_once(bench, run):
    async def client(address, number):
        reader, writer = await asyncio.open_connection(*address)
        word = b"%d\n" % number
        writer.write(word)
        answer = await reader.readline()
        await closed(writer)
        return answer == word

    async def main():
        server, _, writer = await served(bench, echo)
        address = server.sockets[0].getsockname()
        answers = await asyncio.gather(*[client(address, number) for number in range(50)])
        assert all(answers)
        await closed(writer)

    run(main())
