"""hypercorn's `serve` on a loop that is there already: HTTP/1.1 and WebSocket."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets
from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from .asgi_app import CHUNK, CHUNKS, app


class LoopbackConfig(Config):
    """Binds a free port, and says which."""

    def create_sockets(self) -> Sockets:
        self.bind = ["127.0.0.1:0"]
        sockets = super().create_sockets()
        self.address = "{}:{}".format(*sockets.insecure_sockets[0].getsockname())
        return sockets


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Runs the server; gives its address."""
    config, ended = LoopbackConfig(), asyncio.Event()
    config.errorlog = None
    bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    create_sockets = config.create_sockets

    def create() -> Sockets:
        sockets = create_sockets()
        bound.set_result(None)
        return sockets

    config.create_sockets = create  # type: ignore[method-assign]
    server = asyncio.create_task(serve(app, config, shutdown_trigger=ended.wait))
    try:
        await bound
        yield config.address
    finally:
        ended.set()
        await server


async def test_requests_are_answered() -> None:
    async with serving() as address, httpx.AsyncClient() as client:
        requests = [client.post(f"http://{address}/upload", content=b"%d" % i) for i in range(20)]
        answers = await asyncio.gather(*requests)
    assert [a.text for a in answers] == [hashlib.sha256(b"%d" % i).hexdigest() for i in range(20)]


async def test_a_download_in_parts_arrives_whole() -> None:
    async with serving() as address, httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/download")
    assert answer.content == CHUNK * CHUNKS


async def test_websocket_messages_are_echoed() -> None:
    messages: list[Any] = ["text", b"bytes", "é" * 100_000]
    async with serving() as address, websockets.connect(f"ws://{address}/") as connection:
        for message in messages:
            await connection.send(message)
        assert [await connection.recv() for _ in messages] == messages


async def test_a_client_that_goes_away_is_noticed(capsys: Any) -> None:
    async with serving() as address, httpx.AsyncClient() as client:
        async with client.stream("GET", f"http://{address}/forever") as got:
            assert await anext(got.aiter_bytes()) == b"first"
    assert "the client has gone\n" in capsys.readouterr().out
