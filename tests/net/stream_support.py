"""Streams for tests: of a client or of a server, with a raw socket at the other end."""

import asyncio
import socket
from typing import Any

from .support import until_true

SIDES = ["client", "server"]


async def client_streams(bench: Any, **options: Any) -> tuple[Any, Any, socket.socket]:
    ours, peer = bench.pair(small=True)
    reader, writer = await asyncio.open_connection(sock=ours, **options)
    bench.transports.append(writer.transport)
    return reader, writer, peer


async def server_streams(bench: Any, **options: Any) -> tuple[Any, Any, socket.socket]:
    connected = bench.loop.create_future()
    server = await asyncio.start_server(
        lambda *streams: connected.set_result(streams), "127.0.0.1", 0, **options
    )
    bench.servers.append(server)
    peer = bench.dial(server.sockets[0].getsockname())
    reader, writer = await connected
    return reader, writer, peer


async def streams(bench: Any, side: str, **options: Any) -> tuple[Any, Any, socket.socket]:
    """Returns reader, writer and the raw socket at the other end; the bench closes them.

    Args:
        bench: where they are.
        side: one of `SIDES`: who asyncio makes them for.
        options: passed on to `open_connection` or `start_server`.
    """
    make = client_streams if side == "client" else server_streams
    reader, writer, peer = await make(bench, **options)
    # One that is dropped before it is closed says so.
    bench.accepted = [writer]
    return reader, writer, peer


async def until_held(bench: Any, reader: Any, size: int) -> None:
    """Lets the loop run until a reader holds so many bytes."""
    await until_true(bench.loop, lambda: len(reader._buffer) == size)
