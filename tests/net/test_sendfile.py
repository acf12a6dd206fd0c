"""Files sent over transports and sockets, by the system and otherwise, as in asyncio."""

import asyncio
import io
import os
import socket
import ssl
import tempfile

import pytest

from .support import Recorder, next_iteration, receive_all, reset

CONTENT = os.urandom(1_000_000)


@pytest.fixture
def file():
    with tempfile.TemporaryFile() as made:
        made.write(CONTENT)
        made.flush()
        made.seek(123)
        yield made


@pytest.fixture(params=["native", "fallback"])
def either(request, file):
    """A file that the system can send, and one that it can't."""
    return file if request.param == "native" else io.BytesIO(CONTENT)


@pytest.fixture
def faithful(either, loop):
    """The same, but where asyncio would send something else."""
    if isinstance(either, io.BytesIO) and isinstance(loop, asyncio.SelectorEventLoop):
        pytest.skip("asyncio's fallback reads the next block into what is still to be sent")
    return either


async def received(bench, peer):
    return await bench.loop.run_in_executor(None, receive_all, peer)


async def connect_socket(bench, *, small=False):
    ours, peer = bench.pair(small=small)
    ours.setblocking(False)
    bench.peers.append(ours)
    return ours, peer


def test_a_file_is_sent_between_what_is_written_before_and_after(faithful, bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        reading = asyncio.ensure_future(received(bench, peer))
        transport.write(b"before" * 10_000)
        assert await bench.loop.sendfile(transport, faithful) == len(CONTENT)
        assert faithful.tell() == len(CONTENT)
        transport.write(b"after")
        transport.close()
        assert await reading == b"before" * 10_000 + CONTENT + b"after"
        await protocol.lost()

    run(main())


@pytest.mark.parametrize(("offset", "count"), [(0, 10), (1000, 500_000), (999_990, None)])
def test_a_part_of_a_file_is_sent(offset, count, faithful, bench, run):
    async def main():
        transport, _, peer = await bench.connect(small=True)
        reading = asyncio.ensure_future(received(bench, peer))
        expected = CONTENT[offset:] if count is None else CONTENT[offset : offset + count]
        assert await bench.loop.sendfile(transport, faithful, offset, count) == len(expected)
        assert faithful.tell() == offset + len(expected)
        transport.close()
        assert await reading == expected

    run(main())


def test_a_count_beyond_the_end_sends_what_there_is(either, bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        reading = asyncio.ensure_future(received(bench, peer))
        assert await bench.loop.sendfile(transport, either, 999_000, 5000) == 1000
        transport.close()
        assert await reading == CONTENT[999_000:]

    run(main())


def test_an_empty_file_sends_nothing(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        with tempfile.TemporaryFile() as empty:
            assert await bench.loop.sendfile(transport, empty) == 0
        transport.write(b"x")
        assert await bench.loop.run_in_executor(None, peer.recv, 10) == b"x"

    run(main())


def test_nothing_can_be_written_while_a_file_is_sent(file, bench, run):
    async def main():
        transport, _, peer = await bench.connect(small=True)
        sending = asyncio.ensure_future(bench.loop.sendfile(transport, file))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="sendfile is in progress"):
            transport.write(b"x")
        reading = asyncio.ensure_future(received(bench, peer))
        await sending
        transport.write(b"x")
        transport.close()
        assert await reading == CONTENT + b"x"

    run(main())


def test_a_file_can_not_be_sent_while_another_is(our_bench, our_run, file):
    async def main():
        transport, _, peer = await our_bench.connect(small=True)
        sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="sendfile is in progress"):
            await our_bench.loop.sendfile(transport, file)
        reading = asyncio.ensure_future(received(our_bench, peer))
        assert await sending == len(CONTENT)
        transport.close()
        assert await reading == CONTENT

    our_run(main())


def test_reading_is_paused_while_a_file_is_sent(either, bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        sending = asyncio.ensure_future(bench.loop.sendfile(transport, either))
        await asyncio.sleep(0)
        assert not transport.is_reading()
        peer.sendall(b"question")
        await next_iteration(bench.loop)
        assert protocol.received == b""
        part = bytearray()
        while len(part) < len(CONTENT):
            part += await bench.loop.run_in_executor(None, peer.recv, 65536)
        await sending
        assert transport.is_reading()
        assert transport.get_protocol() is protocol
        assert await protocol.receives(8) == b"question"

    run(main())


def test_reading_that_was_paused_stays_so(either, bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        transport.pause_reading()
        reading = asyncio.ensure_future(received(bench, peer))
        await bench.loop.sendfile(transport, either)
        assert not transport.is_reading()
        transport.close()
        await reading

    run(main())


def test_a_reset_in_the_middle_is_a_connection_error(either, bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        sending = asyncio.ensure_future(bench.loop.sendfile(transport, either))
        await bench.loop.run_in_executor(None, peer.recv, 10)
        reset(peer)
        with pytest.raises(ConnectionError):
            await sending
        await protocol.lost()
        assert 0 < either.tell() < len(CONTENT)

    run(main())


def test_abort_is_a_connection_error_for_who_sends_a_file(our_bench, our_run, file):
    """In asyncio it is any of several errors."""

    async def main():
        transport, protocol, _ = await our_bench.connect(small=True)
        sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))
        await next_iteration(our_bench.loop)
        transport.abort()
        with pytest.raises(ConnectionError, match="closed while a file was being sent"):
            await sending
        assert await protocol.lost() is None

    our_run(main())


@pytest.mark.parametrize("method", ["close", "write_eof"])
def test_close_waits_until_the_file_is_sent(method, our_bench, our_run, file):
    """In asyncio the file is cut off."""

    async def main():
        transport, protocol, peer = await our_bench.connect(small=True)
        sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))
        await next_iteration(our_bench.loop)
        getattr(transport, method)()
        assert await received(our_bench, peer) == CONTENT
        assert await sending == len(CONTENT)
        transport.close()
        assert await protocol.lost() is None

    our_run(main())


def test_a_cancelled_sendfile_stops_and_tells_how_far_it_came(our_bench, our_run, file):
    """In asyncio the transport can't be written to any more."""

    async def main():
        transport, _, peer = await our_bench.connect(small=True)
        sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))
        await next_iteration(our_bench.loop)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        sent = file.tell()
        assert 0 < sent < len(CONTENT)
        assert transport.is_reading()
        transport.write(b"after")
        transport.close()
        assert await received(our_bench, peer) == CONTENT[:sent] + b"after"

    our_run(main())


def test_a_file_may_be_sent_from_connection_made_on(our_bench, our_run, file):
    class Sender(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))

    async def main():
        _, protocol, peer = await our_bench.connect(Sender())
        protocol.sending.add_done_callback(lambda _: protocol.transport.close())
        assert await received(our_bench, peer) == CONTENT

    our_run(main())


def test_two_files_one_after_the_other(bench, run, file):
    async def main():
        transport, _, peer = await bench.connect(small=True)
        reading = asyncio.ensure_future(received(bench, peer))
        for _ in range(2):
            await bench.loop.sendfile(transport, file)
        transport.close()
        assert await reading == CONTENT * 2

    run(main())


def test_what_a_buffered_file_has_read_already_is_no_matter(our_bench, our_run, file):
    async def main():
        transport, _, peer = await our_bench.connect()
        reading = asyncio.ensure_future(received(our_bench, peer))
        assert file.read(10) == CONTENT[123:133]
        await our_bench.loop.sendfile(transport, file, 0, 1000)
        assert file.tell() == 1000
        assert file.read(10) == CONTENT[1000:1010]
        transport.close()
        assert await reading == CONTENT[:1000]

    our_run(main())


def test_a_pipe_is_read_and_written(our_bench, our_run):
    """In asyncio it passes for an empty file."""

    async def main():
        reading, writing = os.pipe()
        os.write(writing, b"from a pipe")
        os.close(writing)
        transport, _, peer = await our_bench.connect()
        with open(reading, "rb") as pipe:
            assert await our_bench.loop.sendfile(transport, pipe) == 11
        assert await our_bench.loop.run_in_executor(None, peer.recv, 100) == b"from a pipe"

    our_run(main())


def test_without_fallback_what_the_system_can_not_send_is_refused(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        memory = io.BytesIO(CONTENT)
        with pytest.raises(asyncio.SendfileNotAvailableError):
            await bench.loop.sendfile(transport, memory, fallback=False)
        assert memory.tell() == 0
        transport.write(b"goes on")

    run(main())


def test_a_file_that_the_system_refuses_is_read_and_written(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        # A file that is open for writing only can be neither sent nor read.
        with tempfile.NamedTemporaryFile() as made:
            made.write(CONTENT)
            made.flush()
            with open(made.name, "ab") as unreadable:
                with pytest.raises(asyncio.SendfileNotAvailableError):
                    await bench.loop.sendfile(transport, unreadable, fallback=False)
                with pytest.raises(io.UnsupportedOperation):
                    await bench.loop.sendfile(transport, unreadable)
        transport.write(b"goes on")
        assert await bench.loop.run_in_executor(None, peer.recv, 100) == b"goes on"

    run(main())


def test_a_transport_that_is_closing_is_refused(bench, run, file):
    async def main():
        transport, _, _ = await bench.connect()
        transport.close()
        with pytest.raises(RuntimeError, match="is closing"):
            await bench.loop.sendfile(transport, file)
        assert file.tell() == 123

    run(main())


def test_a_transport_of_another_kind_is_refused(pipes, run, file):
    async def main():
        _, writing = pipes.pair()
        transport, _ = await pipes.write(writing)
        with pytest.raises(RuntimeError, match="not supported"):
            await pipes.loop.sendfile(transport, file)

    run(main())


def test_the_protocol_is_told_of_the_room_that_the_fallback_left(our_bench, our_run):
    async def main():
        transport, protocol, peer = await our_bench.connect(small=True)
        transport.write(bytes(300_000))
        assert protocol.events == ["made", "pause"]
        reading = asyncio.ensure_future(received(our_bench, peer))
        await our_bench.loop.sendfile(transport, io.BytesIO(CONTENT))
        is_paused = transport._protocol_paused
        assert protocol.events == ["made", "pause"] + ([] if is_paused else ["resume"])
        transport.close()
        assert await reading == bytes(300_000) + CONTENT
        assert protocol.events.count("pause") == protocol.events.count("resume")

    our_run(main())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((-1,), ValueError),
        ((0, 0), ValueError),
        ((0, -1), ValueError),
        ((0.5,), TypeError),
        ((0, "1"), TypeError),
    ],
)
def test_wrong_offsets_and_counts_are_refused(arguments, error, bench, run, file):
    async def main():
        transport, _, _ = await bench.connect()
        sock, _ = await connect_socket(bench)
        with pytest.raises(error, match=r"offset must be|count must be"):
            await bench.loop.sendfile(transport, file, *arguments)
        with pytest.raises(error, match=r"offset must be|count must be"):
            await bench.loop.sock_sendfile(sock, file, *arguments)

    run(main())


def test_a_text_file_is_refused(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        sock, _ = await connect_socket(bench)
        with tempfile.TemporaryFile("w+") as text:
            with pytest.raises(ValueError, match="binary mode"):
                await bench.loop.sendfile(transport, text)
            with pytest.raises(ValueError, match="binary mode"):
                await bench.loop.sock_sendfile(sock, text)

    run(main())


@pytest.mark.parametrize(("offset", "count"), [(0, None), (1000, 500_000), (999_990, None)])
def test_a_socket_is_sent_a_file(offset, count, either, bench, run):
    async def main():
        sock, peer = await connect_socket(bench, small=True)
        reading = asyncio.ensure_future(received(bench, peer))
        expected = CONTENT[offset:] if count is None else CONTENT[offset : offset + count]
        await bench.loop.sock_sendall(sock, b"before")
        assert await bench.loop.sock_sendfile(sock, either, offset, count) == len(expected)
        assert either.tell() == offset + len(expected)
        sock.close()
        assert await reading == b"before" + expected

    run(main())


def test_a_socket_whose_peer_resets_is_an_error(either, bench, run):
    async def main():
        sock, peer = await connect_socket(bench, small=True)
        sending = asyncio.ensure_future(bench.loop.sock_sendfile(sock, either))
        await bench.loop.run_in_executor(None, peer.recv, 10)
        reset(peer)
        with pytest.raises(ConnectionError):
            await sending
        assert 0 < either.tell() < len(CONTENT)

    run(main())


def test_a_cancelled_sock_sendfile_leaves_the_socket_unwatched(bench, run, file):
    async def main():
        sock, _ = await connect_socket(bench, small=True)
        sending = asyncio.ensure_future(bench.loop.sock_sendfile(sock, file))
        await next_iteration(bench.loop)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await next_iteration(bench.loop)
        assert not bench.loop.remove_writer(sock)
        assert 0 < file.tell() < len(CONTENT)

    run(main())


def test_sockets_that_can_not_be_sent_files_are_refused(our_bench, our_run, file):
    async def main():
        loop = our_bench.loop
        blocking, _ = our_bench.pair()
        with blocking, pytest.raises(ValueError, match="must be non-blocking"):
            await loop.sock_sendfile(blocking, file)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.setblocking(False)
            with pytest.raises(ValueError, match="Stream Socket"):
                await loop.sock_sendfile(datagrams, file)
        plain, _ = our_bench.pair()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        with (
            context.wrap_socket(plain, do_handshake_on_connect=False) as secure,
            pytest.raises(TypeError, match="SSLSocket"),
        ):
            await loop.sock_sendfile(secure, file)
        ours, _ = await connect_socket(our_bench)
        with pytest.raises(asyncio.SendfileNotAvailableError):
            await loop.sock_sendfile(ours, io.BytesIO(CONTENT), fallback=False)

    our_run(main())


def test_other_work_runs_while_a_file_is_sent(our_bench, our_run, file):
    async def main():
        transport, _, peer = await our_bench.connect(small=True)
        turns = 0
        content = b""
        peer.setblocking(False)
        sending = asyncio.ensure_future(our_bench.loop.sendfile(transport, file))
        while not sending.done():
            turns += 1
            content += await our_bench.loop.sock_recv(peer, 1 << 16)
        assert turns > 1
        transport.close()
        while data := await our_bench.loop.sock_recv(peer, 1 << 16):
            content += data
        assert content == CONTENT

    our_run(main())
