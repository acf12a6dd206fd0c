"""aiohttp: its server and its client on the same loop."""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.net.tls_support import NAME, client_context, server_context

BODY = os.urandom(4 << 20)


@asynccontextmanager
async def serving(*routes: web.RouteDef, ssl: Any = None, **options: Any) -> AsyncIterator[str]:
    """Runs a server with these routes, under TLS with a context; gives its address."""
    app = web.Application(client_max_size=len(BODY) * 2)
    app.add_routes(routes)
    runner = web.AppRunner(app, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}" if ssl is None else f"https://{NAME}:{port}"
    finally:
        await runner.cleanup()


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.match_info['name']}")


async def digest(request: web.Request) -> web.Response:
    return web.Response(text=hashlib.sha256(await request.read()).hexdigest())


async def parts(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for start in range(0, len(BODY), 1 << 18):
        await response.write(BODY[start : start + (1 << 18)])
    return response


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(max_msg_size=0)
    await ws.prepare(request)
    async for message in ws:
        if message.data == "bye":
            await ws.close(code=4000, message=b"bye")
        elif message.type is aiohttp.WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)
    return ws


async def test_requests_are_answered() -> None:
    async with serving(web.get("/{name}", hello)) as url, aiohttp.ClientSession() as session:
        for name in ("one", "two", "three"):
            async with session.get(f"{url}/{name}") as answer:
                assert (answer.status, await answer.text()) == (200, f"hello {name}")


async def test_many_requests_at_once_are_answered() -> None:
    async def fetch(name: str) -> str:
        async with session.get(f"{url}/{name}") as answer:
            return await answer.text()

    async with serving(web.get("/{name}", hello)) as url, aiohttp.ClientSession() as session:
        names = [str(i) for i in range(300)]
        answers = await asyncio.gather(*[fetch(name) for name in names])
    assert answers == [f"hello {name}" for name in names]


async def test_an_upload_arrives_whole() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(BODY), 100_000):
            yield BODY[start : start + 100_000]

    async with serving(web.post("/", digest)) as url, aiohttp.ClientSession() as session:
        for data in (io.BytesIO(BODY), chunks()):
            async with session.post(url, data=data) as answer:
                assert await answer.text() == hashlib.sha256(BODY).hexdigest()


async def test_a_form_with_a_file_arrives_whole(tmp_path: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        form = await request.post()
        field = form["file"]
        assert isinstance(field, web.FileField)
        return web.Response(text=hashlib.sha256(field.file.read()).hexdigest())

    (tmp_path / "file").write_bytes(BODY)
    async with serving(web.post("/", handle)) as url, aiohttp.ClientSession() as session:
        with (tmp_path / "file").open("rb") as file:
            async with session.post(url, data={"file": file}) as answer:
                assert await answer.text() == hashlib.sha256(BODY).hexdigest()


async def test_a_download_in_parts_arrives_whole() -> None:
    async with serving(web.get("/", parts)) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert await answer.read() == BODY


async def test_requests_over_tls_are_answered() -> None:
    routes = [web.post("/", digest), web.get("/", parts)]
    async with serving(*routes, ssl=server_context()) as url, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.post(url, data=io.BytesIO(BODY), ssl=client_context()) as answer:
                assert await answer.text() == hashlib.sha256(BODY).hexdigest()
        async with session.get(url, ssl=client_context()) as answer:
            assert await answer.read() == BODY


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with serving(web.get("/", parts), ssl=server_context()) as url:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(url)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_websocket_messages_are_echoed(tls: bool) -> None:
    messages: list[Any] = ["text", b"bytes", "é" * 100_000, BODY]
    ssl = server_context() if tls else None
    async with serving(web.get("/", echo), ssl=ssl) as url, aiohttp.ClientSession() as session:
        context: Any = client_context() if tls else True
        async with session.ws_connect(url, max_msg_size=0, ssl=context) as ws:
            for message in messages:
                await (ws.send_str if isinstance(message, str) else ws.send_bytes)(message)
            assert [(await ws.receive()).data for _ in messages] == messages
            await ws.send_str("bye")
            closing = await ws.receive()
            assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 4000)


async def test_a_handler_is_cancelled_when_its_client_has_gone() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return web.Response()

    async with serving(web.get("/", handle), handler_cancellation=True) as url:
        async with aiohttp.ClientSession() as session:
            request = asyncio.create_task(session.get(url))
            await began.wait()
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            await ended.wait()


async def test_a_request_that_takes_too_long_is_given_up() -> None:
    async def handle(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    timeout = aiohttp.ClientTimeout(total=0.01)
    async with serving(web.get("/", handle), handler_cancellation=True) as url:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            with pytest.raises(TimeoutError):
                await session.get(url)


async def test_a_server_that_ends_lets_a_request_finish() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        began.set()
        await may_end.wait()
        return web.Response(text="finished")

    async with aiohttp.ClientSession() as session:
        async with serving(web.get("/", handle)) as url:
            request = asyncio.create_task(session.get(url))
            await began.wait()
            asyncio.get_running_loop().call_soon(may_end.set)
        assert await (await request).text() == "finished"
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_a_server_that_nobody_listens_to_is_an_error() -> None:
    async with serving() as url:
        pass
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError, match="Connect call failed"):
            await session.get(url)
