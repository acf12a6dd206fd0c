"""Tornado's server and client, which watch their sockets with `add_reader` and `add_writer`."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tornado import httpclient, httpserver, netutil, web, websocket
from tornado.ioloop import IOLoop, PeriodicCallback

BODY = bytes(range(256)) * 8192


class Digest(web.RequestHandler):
    """Answers with the digest of the request's body."""

    async def post(self) -> None:
        self.write(hashlib.sha256(self.request.body).hexdigest())


class Parts(web.RequestHandler):
    """Answers in parts."""

    async def get(self) -> None:
        for start in range(0, len(BODY), 1 << 16):
            self.write(BODY[start : start + (1 << 16)])
            await self.flush()


class Echo(websocket.WebSocketHandler):
    """Sends each message back."""

    def on_message(self, message: Any) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


@contextmanager
def serving() -> Iterator[str]:
    """Runs the server; gives its address."""
    app = web.Application([("/digest", Digest), ("/parts", Parts), ("/echo", Echo)])
    server = httpserver.HTTPServer(app, max_buffer_size=len(BODY) * 2)
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield f"127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()


@pytest.fixture
def client() -> Any:
    return lambda: httpclient.AsyncHTTPClient(force_instance=True, max_clients=20)


async def test_requests_are_answered(client: Any) -> None:
    http = client()
    with serving() as address:
        bodies = [b"%d" % i for i in range(50)]
        answers = await asyncio.gather(
            *[http.fetch(f"http://{address}/digest", method="POST", body=body) for body in bodies]
        )
    assert [a.body.decode() for a in answers] == [hashlib.sha256(b).hexdigest() for b in bodies]
    http.close()


async def test_large_bodies_arrive_whole(client: Any) -> None:
    http = client()
    with serving() as address:
        headers = {"Content-Type": "application/octet-stream"}
        url = f"http://{address}/digest"
        answer = await http.fetch(url, method="POST", headers=headers, body=BODY)
        assert answer.body.decode() == hashlib.sha256(BODY).hexdigest()
        assert (await http.fetch(f"http://{address}/parts")).body == BODY
    http.close()


async def test_websocket_messages_are_echoed() -> None:
    with serving() as address:
        connection = await websocket.websocket_connect(f"ws://{address}/echo")
        for message in ("text", b"bytes", "é" * 100_000):
            await connection.write_message(message, binary=isinstance(message, bytes))
            assert await connection.read_message() == message
        connection.close()
        assert await connection.read_message() is None


async def test_a_periodic_callback_comes_again_and_again() -> None:
    came, enough = [], asyncio.Event()

    def tick() -> None:
        came.append(True)
        if len(came) == 3:
            periodic.stop()
            enough.set()

    periodic = PeriodicCallback(tick, 1)
    periodic.start()
    await enough.wait()
    assert len(came) == 3


async def test_a_callback_from_a_thread_runs_on_the_loop() -> None:
    loop, called = IOLoop.current(), asyncio.Event()
    await asyncio.to_thread(loop.add_callback, called.set)
    await called.wait()
