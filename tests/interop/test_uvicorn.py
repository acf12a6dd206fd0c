"""uvicorn, as it is started from a command line: HTTP/1.1, WebSocket, TLS, reload, workers."""

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.net.tls_support import CERTIFICATES, NAME, client_context

from .asgi_app import CHUNK, CHUNKS
from .debian import find

APP = "tests.interop.asgi_app:app"
STARTED = "Application startup complete"


class Uvicorn:
    """A uvicorn in a process of its own."""

    def __init__(self, start: Any, loop_spec: str, *options: str, app: str = APP) -> None:
        command = ["-m", "uvicorn", app, "--loop", loop_spec, "--port", "0", *options]
        self.program = start(*command)
        self.address = self.program.until(r"running on https?://(\S+)")[1]

    def url(self, path: str = "/") -> str:
        return f"http://{self.address}{path}"

    def tls_url(self, path: str = "/", scheme: str = "https") -> str:
        """Under the name that the certificate has."""
        return f"{scheme}://{NAME}:{self.address.rpartition(':')[2]}{path}"


@pytest.fixture(params=["h11", "httptools"])
def server(request: pytest.FixtureRequest, start: Any, loop_spec: str) -> Uvicorn:
    """With each of its parsers."""
    return Uvicorn(start, loop_spec, "--http", request.param)


@pytest.fixture
def tls_server(start: Any, loop_spec: str) -> Uvicorn:
    """With a certificate."""
    certificate = str(CERTIFICATES / "server.pem")
    return Uvicorn(start, loop_spec, "--ssl-certfile", certificate, "--ssl-keyfile", certificate)


async def test_requests_are_answered_by_the_loop_that_was_named(
    server: Uvicorn, loop_spec: str
) -> None:
    async with httpx.AsyncClient() as client:
        texts = [(await client.get(server.url())).text for _ in range(3)]
    assert {text.partition(".")[0] for text in texts} == {loop_spec.partition(":")[0]}


async def test_many_requests_at_once_are_answered(server: Uvicorn) -> None:
    async with httpx.AsyncClient() as client:
        requests = [client.post(server.url("/upload"), content=b"%d" % i) for i in range(50)]
        answers = await asyncio.gather(*requests)
    assert [a.text for a in answers] == [hashlib.sha256(b"%d" % i).hexdigest() for i in range(50)]


async def test_an_upload_arrives_whole(server: Uvicorn) -> None:
    body = CHUNK * CHUNKS
    async with httpx.AsyncClient() as client:
        answer = await client.post(server.url("/upload"), content=body)
    assert answer.text == hashlib.sha256(body).hexdigest()


async def test_a_download_in_parts_arrives_whole(server: Uvicorn) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url("/download"))).content == CHUNK * CHUNKS


async def test_a_client_that_goes_away_is_noticed(server: Uvicorn) -> None:
    async with httpx.AsyncClient() as client, client.stream("GET", server.url("/forever")) as got:
        assert await anext(got.aiter_bytes()) == b"first"
    server.program.until("the client has gone")


async def test_a_request_that_is_cancelled_is_noticed(server: Uvicorn) -> None:
    async with httpx.AsyncClient(timeout=None) as client:
        request = asyncio.create_task(client.get(server.url("/forever")))
        await asyncio.to_thread(server.program.until, "GET /forever")
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.to_thread(server.program.until, "the client has gone")


async def test_a_request_that_began_is_answered_before_the_server_ends(server: Uvicorn) -> None:
    has_stopped = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"before "
        await has_stopped.wait()
        yield b"and after"

    async with httpx.AsyncClient(timeout=None) as client:
        request = asyncio.create_task(client.post(server.url("/upload"), content=body()))
        await asyncio.to_thread(server.program.until, "received a part")
        server.program.interrupt()
        await asyncio.to_thread(server.program.until, "Shutting down")
        has_stopped.set()
        assert (await request).text == hashlib.sha256(b"before and after").hexdigest()
    server.program.until("lifespan ended")
    # uvicorn ends by the signal that ended it.
    assert server.program.wait() == -signal.SIGTERM


@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto"])
async def test_websocket_messages_are_echoed(start: Any, loop_spec: str, ws: str) -> None:
    server = Uvicorn(start, loop_spec, "--ws", ws)
    messages = ["text", b"bytes", "é" * 100_000, CHUNK * 8]
    async with websockets.connect(f"ws://{server.address}/", max_size=None) as connection:
        for message in messages:
            await connection.send(message)
        assert [await connection.recv() for _ in messages] == messages
        await connection.send("bye")
        await connection.wait_closed()
        assert (connection.close_code, connection.close_reason) == (4000, "bye")


async def test_a_websocket_that_leaves_is_noticed(start: Any, loop_spec: str) -> None:
    server = Uvicorn(start, loop_spec)
    async with websockets.connect(f"ws://{server.address}/") as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"
        await connection.close(4001)
    server.program.until("websocket left with 4001")


async def test_requests_over_tls_are_answered(tls_server: Uvicorn) -> None:
    body = CHUNK * CHUNKS
    async with httpx.AsyncClient(verify=client_context()) as client:
        requests = [
            client.post(tls_server.tls_url("/upload"), content=b"%d" % i) for i in range(20)
        ]
        answers = [a.text for a in await asyncio.gather(*requests)]
        assert answers == [hashlib.sha256(b"%d" % i).hexdigest() for i in range(20)]
        answer = await client.post(tls_server.tls_url("/upload"), content=body)
        assert answer.text == hashlib.sha256(body).hexdigest()
        assert (await client.get(tls_server.tls_url("/download"))).content == body


async def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: Uvicorn) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(tls_server.tls_url())
    async with httpx.AsyncClient(verify=client_context()) as client:
        assert (await client.get(tls_server.tls_url())).status_code == 200


async def test_websocket_messages_over_tls_are_echoed(tls_server: Uvicorn) -> None:
    messages = ["text", b"bytes", CHUNK * 8]
    url = tls_server.tls_url(scheme="wss")
    async with websockets.connect(url, ssl=client_context(), max_size=None) as connection:
        for message in messages:
            await connection.send(message)
        assert [await connection.recv() for _ in messages] == messages


async def test_a_worker_that_is_killed_is_replaced(start: Any, loop_spec: str) -> None:
    server = Uvicorn(start, loop_spec, "--workers", "2")
    for _ in range(2):
        server.program.until(STARTED)
    async with httpx.AsyncClient(headers={"connection": "close"}) as client:
        killed = (await client.get(server.url("/pid"))).text
        os.kill(int(killed), signal.SIGKILL)
        await asyncio.to_thread(server.program.until, STARTED)
        for _ in range(20):
            assert (await client.get(server.url("/pid"))).text != killed
        assert (await client.get(server.url())).text.startswith(loop_spec.partition(":")[0])
    server.program.interrupt()
    server.program.until("Stopping parent process")
    assert server.program.wait() == 0


async def test_a_change_of_the_program_is_loaded(start: Any, loop_spec: str, tmp_path: Any) -> None:
    def write(text: str) -> None:
        program = f"""
            from tests.interop.asgi_app import answer

            async def app(scope, receive, send):
                await answer(send, {text!r})
            """
        (tmp_path / "changing.py").write_text(textwrap.dedent(program))

    write("old")
    options = ["--reload", "--reload-dir", str(tmp_path), "--lifespan", "off"]
    server = Uvicorn(start, loop_spec, *options, app="changing:app")
    server.program.until("Started server process")
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url())).text == "old"
        while not watches_files(server.program.process.pid):
            await asyncio.sleep(0)
        write("new!")
        await asyncio.to_thread(server.program.until, "Started server process")
        assert (await client.get(server.url())).text == "new!"


def watches_files(pid: int) -> bool:
    """Returns True once the system tells a process of changes; those before are lost on it."""
    infos = Path(f"/proc/{pid}/fdinfo").iterdir()
    return any("inotify wd" in info.read_text() for info in infos)


def test_wrk_sees_no_failure(server: Uvicorn) -> None:
    run_wrk(server.url())


def test_wrk_sees_no_failure_over_tls(tls_server: Uvicorn) -> None:
    run_wrk(tls_server.tls_url())


def run_wrk(url: str) -> None:
    wrk = find("wrk", "wrk")
    done = subprocess.run(
        [wrk.path, "-t1", "-c32", "-d1s", url],
        env=wrk.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"[1-9]\d* requests in", done.stdout), done.stdout
    assert not re.search("Non-2xx|Socket errors", done.stdout), done.stdout
