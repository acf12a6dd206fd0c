"""What is done while calls fail: data goes through each kind of transport and must come back.

A peer is a thread with a blocking socket, whose calls are left alone.
"""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from mainspring.green import green
from mainspring.green import socket as green_socket
from mainspring.net import tls_openssl
from tests.net.tls_support import NAME, client_context, server_context

PATIENCE = 20


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        """Keeps the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Sends it back."""
        self.transport.write(data)


class BufferedEcho(asyncio.BufferedProtocol):
    """The same, read into a buffer of its own."""

    def connection_made(self, transport: Any) -> None:
        """Keeps the transport."""
        self.transport = transport
        self.buffer = bytearray(5000)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Returns the buffer."""
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Sends it back."""
        self.transport.write(bytes(self.buffer[:nbytes]))


class DatagramEcho(asyncio.DatagramProtocol):
    """The same for datagrams."""

    def connection_made(self, transport: Any) -> None:
        """Keeps the transport."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Sends it back."""
        self.transport.sendto(data, addr)


def exchange(sock: Any, data: bytes) -> bytes:
    """Sends data and returns what came back; blocks."""
    with sock:
        sock.settimeout(PATIENCE)
        sending = threading.Thread(target=_send, args=(sock, data), daemon=True)
        sending.start()
        found = bytearray()
        while len(found) < len(data):
            chunk = sock.recv(65536)
            if not chunk:
                break
            found += chunk
        sending.join(PATIENCE)
    return bytes(found)


def _send(sock: Any, data: bytes) -> None:
    try:
        sock.sendall(data)
    except OSError:
        # Who reads finds out.
        pass


async def _ask(connect: Callable[[], Any], data: bytes) -> None:
    found = await asyncio.to_thread(lambda: exchange(connect(), data))
    if found != data:
        raise ConnectionError(f"{len(found)} of {len(data)} bytes came back")


async def _over_tcp(factory: Callable[[], Any], data: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    try:
        address = server.sockets[0].getsockname()
        await _ask(partial(socket.create_connection, address, PATIENCE), data)
    finally:
        server.close()
        await server.wait_closed()


async def protocol(data: bytes) -> None:
    """A protocol over TCP."""
    await _over_tcp(Echo, data)


async def buffered_protocol(data: bytes) -> None:
    """A buffered protocol over TCP."""
    await _over_tcp(BufferedEcho, data)


async def tls(data: bytes) -> None:
    """A protocol over TLS."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server_context())
    try:
        address = server.sockets[0].getsockname()

        def ask() -> None:
            with (
                socket.create_connection(address, PATIENCE) as sock,
                client_context().wrap_socket(sock, server_hostname=NAME) as secured,
            ):
                # In turns, because an SSL object isn't for two threads.
                for start in range(0, len(data), 20_000):
                    part, left = data[start : start + 20_000], b""
                    secured.sendall(part)
                    while len(left) < len(part):
                        chunk = secured.recv(65536)
                        if not chunk:
                            raise ConnectionError(f"the end came at {start}")
                        left += chunk
                    assert left == part

        await asyncio.to_thread(ask)
    finally:
        server.close()
        await server.wait_closed()


async def tls_in_memory(data: bytes) -> None:
    """The same with the engine that is there where OpenSSL can't have the socket."""
    before, tls_openssl.is_usable = tls_openssl.is_usable, False
    try:
        await tls(data)
    finally:
        tls_openssl.is_usable = before


async def streams(data: bytes) -> None:
    """A client with asyncio's streams, whose peer only sends back."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = asyncio.create_task(asyncio.to_thread(_echo_once, listening))
        try:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                writer.write(data)
                assert await reader.readexactly(len(data)) == data
            finally:
                writer.close()
        except BaseException:
            await _give_up(listening, peer)
            raise
        await peer


def _echo_once(listening: socket.socket) -> None:
    try:
        sock, _ = listening.accept()
        with sock:
            sock.settimeout(PATIENCE)
            while chunk := sock.recv(65536):
                sock.sendall(chunk)
    except OSError:
        # The other side has failed, and says why.
        pass


async def sock_calls(data: bytes) -> None:
    """The loop's calls for plain sockets."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        asking = asyncio.create_task(asyncio.to_thread(exchange, theirs, data))
        try:
            left = len(data)
            while left:
                chunk = await loop.sock_recv(ours, 5000)
                left -= len(chunk)
                await loop.sock_sendall(ours, chunk)
        except BaseException:
            ours.close()
            await asyncio.gather(asking, return_exceptions=True)
            raise
        assert await asking == data


async def datagrams(data: bytes) -> None:
    """Datagrams, one at a time."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(DatagramEcho, ("127.0.0.1", 0))
    try:
        address = transport.get_extra_info("sockname")

        def ask() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(0.05)
                sock.connect(address)
                for number in range(20):
                    part = data[number : number + 1000]
                    while not _came_back(sock, part):
                        # Datagrams may be lost.
                        pass

        await asyncio.to_thread(ask)
    finally:
        transport.close()


def _came_back(sock: socket.socket, part: bytes) -> bool:
    sock.send(part)
    try:
        return sock.recv(2000) == part
    except TimeoutError:
        return False


async def pipes(data: bytes) -> None:
    """What is written to a pipe is read from it."""
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    with open(reading, "rb", 0) as read_file, open(writing, "wb", 0) as write_file:
        incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), read_file
        )
        try:
            outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, write_file)
            try:
                outgoing.write(data)
                assert await reader.readexactly(len(data)) == data
            finally:
                outgoing.abort()
        finally:
            incoming.close()


async def a_child(data: bytes) -> None:
    """A child's input comes back as its output."""
    child = await asyncio.create_subprocess_exec(
        "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        found, _ = await child.communicate(data)
        if found != data:
            raise ConnectionError(f"{len(found)} of {len(data)} bytes came back")
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def a_file(data: bytes) -> None:
    """A file is sent."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        receiving = asyncio.create_task(asyncio.to_thread(_receive_all, listening))
        try:
            transport, _ = await loop.create_connection(Echo, *listening.getsockname())
            try:
                await loop.sendfile(transport, file)
            finally:
                transport.close()
        except RuntimeError as exc:
            # asyncio's word for a connection that has ended before the file was sent.
            await _give_up(listening, receiving)
            raise ConnectionError(str(exc)) from exc
        except BaseException:
            await _give_up(listening, receiving)
            raise
        if await receiving != data:
            raise ConnectionError("the file didn't arrive whole")


async def _give_up(listening: socket.socket, peer: asyncio.Task[Any]) -> None:
    """Ends a peer that may wait for who never comes."""
    listening.shutdown(socket.SHUT_RDWR)
    await peer


def _receive_all(listening: socket.socket) -> bytes:
    found = bytearray()
    try:
        sock, _ = listening.accept()
        with sock:
            sock.settimeout(PATIENCE)
            while chunk := sock.recv(65536):
                found += chunk
    except OSError:
        # The other side has failed, and says why.
        pass
    return bytes(found)


async def wakeups(data: bytes) -> None:
    """Other threads and signals wake the loop."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Semaphore(0)
    loop.add_signal_handler(signal.SIGUSR1, woken.release)
    try:
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGUSR1)
            await woken.acquire()
            await asyncio.to_thread(loop.call_soon_threadsafe, woken.release)
            await woken.acquire()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


async def green_sockets(data: bytes) -> None:
    """A green thread's socket."""
    listening = await green(green_socket.create_server, ("127.0.0.1", 0))

    def accept() -> Any:
        while True:
            try:
                return listening.accept()[0]
            except ConnectionAbortedError:
                # As the stdlib has it: who calls decides.
                pass

    def serve() -> None:
        # Who waits for a server that has failed finds out.
        with listening, accept() as sock:
            while chunk := sock.recv(5000):
                sock.sendall(chunk)

    serving = asyncio.create_task(green(serve))
    try:
        connect = partial(socket.create_connection, listening.getsockname(), PATIENCE)
        await _ask(connect, data)
        await serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listening.close()


type Scenario = Callable[[bytes], Awaitable[None]]

ANYWHERE: dict[str, Scenario] = {
    made.__name__: made
    for made in (
        protocol,
        buffered_protocol,
        tls,
        streams,
        sock_calls,
        datagrams,
        pipes,
        a_child,
        a_file,
        wakeups,
    )
}
OURS_ONLY: dict[str, Scenario] = {"tls_in_memory": tls_in_memory, "green_sockets": green_sockets}
