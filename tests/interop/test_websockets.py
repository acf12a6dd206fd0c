"""websockets: its asyncio server and client on the same loop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from tests.net.tls_support import NAME, client_context, server_context

MESSAGES = ["text", b"bytes", "é" * 100_000, os.urandom(1 << 20)]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[tuple[Server, str]]:
    """Runs a server; gives it and its address."""
    async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
        host, port = server.sockets[0].getsockname()
        yield server, f"ws://{host}:{port}/"


def dial(url: str) -> Any:
    return connect(url, max_size=None, compression=None)


async def test_messages_are_echoed() -> None:
    async with serving(echo) as (_, url), dial(url) as connection:
        for message in MESSAGES:
            await connection.send(message)
        assert [await connection.recv() for _ in MESSAGES] == MESSAGES


async def test_messages_over_tls_are_echoed() -> None:
    async with serve(echo, "127.0.0.1", 0, max_size=None, ssl=server_context()) as server:
        url = f"wss://{NAME}:{server.sockets[0].getsockname()[1]}/"
        async with connect(url, max_size=None, host="127.0.0.1", ssl=client_context()) as talk:
            for message in MESSAGES:
                await talk.send(message)
            assert [await talk.recv() for _ in MESSAGES] == MESSAGES


async def test_a_message_in_fragments_arrives_whole() -> None:
    async with serving(echo) as (_, url), dial(url) as connection:
        await connection.send(iter(["one ", "two ", "three"]))
        assert await connection.recv() == "one two three"


async def test_many_connections_are_echoed_at_once() -> None:
    async def talk(i: int) -> Any:
        async with dial(url) as connection:
            await connection.send(str(i))
            return await connection.recv()

    async with serving(echo) as (_, url):
        assert await asyncio.gather(*[talk(i) for i in range(60)]) == [str(i) for i in range(60)]


async def test_a_broadcast_reaches_all() -> None:
    async def stay(connection: ServerConnection) -> None:
        connected.append(connection)
        if len(connected) == 20:
            broadcast(connected, "to all")
        await connection.wait_closed()

    async def listen() -> Any:
        async with dial(url) as connection:
            return await connection.recv()

    connected: list[ServerConnection] = []
    async with serving(stay) as (_, url):
        assert await asyncio.gather(*[listen() for _ in range(20)]) == ["to all"] * 20


async def test_a_ping_is_answered() -> None:
    async with serving(echo) as (_, url), dial(url) as connection:
        assert await (await connection.ping()) >= 0


async def test_waiting_for_a_message_can_be_cancelled() -> None:
    async with serving(echo) as (_, url), dial(url) as connection:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await connection.recv()
        await connection.send("still there")
        assert await connection.recv() == "still there"


async def test_writing_to_a_peer_that_does_not_read_waits_until_it_does() -> None:
    may_read = asyncio.Event()

    async def read_late(connection: ServerConnection) -> None:
        await may_read.wait()
        received = [len(await connection.recv()) for _ in range(40)]
        await connection.send(str(sum(received)))

    async def send(connection: ClientConnection) -> None:
        for _ in range(40):
            await connection.send(MESSAGES[-1])

    async with serving(read_late) as (server, url):
        # Those that it accepts have it from here; a system may let a buffer grow to 32 MiB. The
        # queue holds 16 messages on top.
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        async with dial(url) as connection:
            sending = asyncio.create_task(send(connection))
            _, pending = await asyncio.wait([sending], timeout=0.05)
            may_read.set()
            assert pending, "40 MiB are more than any buffer on the way"
            await sending
            assert await connection.recv() == str(40 << 20)


async def test_a_server_that_ends_tells_its_clients() -> None:
    async with serving(echo) as (server, url), dial(url) as connection:
        server.close()
        with pytest.raises(ConnectionClosedOK) as caught:
            await connection.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
        await server.wait_closed()


async def test_a_connection_that_breaks_is_an_error() -> None:
    async def abort(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serving(abort) as (_, url), dial(url) as connection:
        with pytest.raises(ConnectionClosedError):
            await connection.recv()
