"""The Python echo server, run as a child: any loop, any of asyncio's ways to serve.

The invariant: it does what the C server does and no more: each piece that arrives is written
back at once. Its parent's questions come in on stdin through the loop's own `add_reader`, not
through a thread: another thread in the process would change what is measured, since loops treat
the GIL differently when somebody else may want it.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.beside import PARTS, Beside, open_counters
from benchmarks.loops import make_loop

BACKLOG = 4096
READ_LIMIT = 256 * 1024


class Counter:
    """How many connections are open."""

    open = 0


class Echo(asyncio.Protocol):
    """Writes back each piece of bytes."""

    __slots__ = ("transport",)
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        self.transport = transport  # type: ignore[assignment]
        Counter.open += 1

    def data_received(self, data: bytes) -> None:
        """Writes the piece back."""
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts the connection out."""
        Counter.open -= 1


class SplitEcho(Echo):
    """Writes back each piece in two writes, as a server with a header and a body does."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Writes the piece back in two halves."""
        half = len(data) // 2
        self.transport.write(data[:half])
        self.transport.write(data[half:])


class BufferedEcho(asyncio.BufferedProtocol):
    """Receives into one buffer that all connections share.

    What is written back is a copy: a loop may keep what it couldn't send, and the shared
    buffer is overwritten by the next connection.
    """

    __slots__ = ("transport",)
    transport: asyncio.Transport
    buffer = memoryview(bytearray(READ_LIMIT))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        self.transport = transport  # type: ignore[assignment]
        Counter.open += 1

    def get_buffer(self, sizehint: int) -> memoryview:
        """Returns the shared buffer."""
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Writes back what came in."""
        self.transport.write(bytes(self.buffer[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts the connection out."""
        Counter.open -= 1


async def stream_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serves one connection with streams."""
    Counter.open += 1
    try:
        while data := await reader.read(READ_LIMIT):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the client reset it, as it does at the end of a run
    finally:
        Counter.open -= 1
        writer.close()


async def socket_echo(loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
    """Accepts connections for ever and serves each with `sock_recv` and `sock_sendall`."""

    async def serve_one(connection: socket.socket) -> None:
        Counter.open += 1
        try:
            with connection:
                while data := await loop.sock_recv(connection, READ_LIMIT):
                    await loop.sock_sendall(connection, data)
        except ConnectionError:
            pass
        finally:
            Counter.open -= 1

    tasks = set()
    while True:
        connection, _ = await loop.sock_accept(listening)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = loop.create_task(serve_one(connection))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


class DatagramEcho(asyncio.DatagramProtocol):
    """Sends back each datagram."""

    __slots__ = ("transport",)
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Sends the datagram back."""
        self.transport.sendto(data, addr)


PROTOCOLS: dict[str, Callable[[], asyncio.BaseProtocol]] = {
    "protocol": Echo,
    "buffered": BufferedEcho,
    "split": SplitEcho,
}
APIS = (*PROTOCOLS, "streams", "sockets", "datagrams")


async def serve(
    loop: asyncio.AbstractEventLoop, api: str, context: ssl.SSLContext | None = None
) -> tuple[int, object]:
    """Starts to listen on a free port of 127.0.0.1.

    Args:
        loop: the running loop.
        api: one of `APIS`.
        context: for TLS, which `sockets` and `datagrams` don't have.

    Returns:
        The port, and what serves for as long as somebody holds it.
    """
    if api == "sockets":
        listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        listening.setblocking(False)
        return listening.getsockname()[1], loop.create_task(socket_echo(loop, listening))
    if api == "datagrams":
        endpoint, _ = await loop.create_datagram_endpoint(DatagramEcho, local_addr=("127.0.0.1", 0))
        return endpoint.get_extra_info("sockname")[1], endpoint
    where: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "backlog": BACKLOG, "ssl": context}
    if api == "streams":
        server = await asyncio.start_server(stream_echo, **where)
    else:
        server = await loop.create_server(PROTOCOLS[api], **where)
    return server.sockets[0].getsockname()[1], server


async def start_beside(beside: Beside, parts: list[str]) -> list[str]:
    """Starts the work beside the echo in the running loop; returns how each part runs."""
    return beside.start(parts)


def answer(line: bytes) -> dict[str, int]:
    """Returns the figures that only the process itself knows.

    Args:
        line: `"stats"` for all of them, or `"connections"`, which leaves the garbage collector
            alone.
    """
    if line.strip() == b"connections":
        return {"connections": Counter.open}
    gc.collect()
    fds = sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1  # the listing has one open itself
    return {"connections": Counter.open, "fds": fds, "objects": len(gc.get_objects())}


def main(argv: list[str] | None = None) -> None:
    """Serves until stdin ends."""
    parser = argparse.ArgumentParser(prog="benchmarks.echo_server")
    parser.add_argument("--loop", required=True)
    parser.add_argument("--api", choices=APIS, default="protocol")
    parser.add_argument("--tls", metavar="PEM", help="a key and certificate: serve with TLS")
    parser.add_argument("--beside", choices=PARTS, nargs="+", default=[], help="do this as well")
    parser.add_argument("--unit", type=int, default=1000, help="how far a unit of it counts")
    parser.add_argument("--counters", help="the file where its units are counted")
    parser.add_argument("--nice", type=int, default=0, help="of the threads in to_thread")
    options = parser.parse_args(argv)
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)

    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    loop = make_loop(options.loop)
    asyncio.set_event_loop(loop)
    port, serving = loop.run_until_complete(serve(loop, options.api, context))

    def on_control() -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            loop.remove_reader(sys.stdin.fileno())
            loop.stop()
        for line in data.splitlines():
            print(json.dumps(answer(line)), flush=True)

    loop.add_reader(sys.stdin.fileno(), on_control)
    ready: dict[str, Any] = {"port": port}
    if options.beside:
        beside = Beside(loop, open_counters(options.counters), options.unit, options.nice)
        ready["beside"] = loop.run_until_complete(start_beside(beside, options.beside))
    print(json.dumps(ready), flush=True)
    loop.run_forever()
    del serving
    # Past the last figure nothing is measured, and an orderly end of 10,000 connections takes
    # long in some loops: leave at once, the kernel closes what is open.
    os._exit(0)


if __name__ == "__main__":
    main()
