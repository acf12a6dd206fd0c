"""The ASGI application of the server tests: what each path does is said where it is defined.

What a test has to wait for is printed.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CHUNK = bytes(range(256)) * 256
CHUNKS = 64


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Finds the function for a path."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    else:
        await PATHS[scope["path"]](receive, send)


async def loop_teller(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """An application that tells, as it is started, which loop it runs on."""
    print("runs on", type(asyncio.get_running_loop()).__module__)
    await lifespan(receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Tells that it began and ended."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("lifespan ended")
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive: Receive, send: Send) -> None:
    """Sends each message back, until the peer leaves; "bye" is answered with a close."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "bye":
            await send({"type": "websocket.close", "code": 4000, "reason": "bye"})
            return
        content = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
        await send({"type": "websocket.send", **content})
    print("websocket left with", message["code"])


async def answer(send: Send, text: str) -> None:
    """Sends a whole answer."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


async def loop(receive: Receive, send: Send) -> None:
    """Answers with the module of the running loop's class."""
    await answer(send, type(asyncio.get_running_loop()).__module__)


async def pid(receive: Receive, send: Send) -> None:
    """Answers with the number of the process."""
    await answer(send, str(os.getpid()))


async def upload(receive: Receive, send: Send) -> None:
    """Answers with the digest of the request's body."""
    digest = hashlib.sha256()
    while True:
        message = await receive()
        digest.update(message["body"])
        print("received a part")
        if not message["more_body"]:
            break
    await answer(send, digest.hexdigest())


async def download(receive: Receive, send: Send) -> None:
    """Answers with 4 MiB in parts."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(CHUNKS):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body"})


async def forever(receive: Receive, send: Send) -> None:
    """Sends one part, and no more until the client has gone."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    print("the client has gone")


PATHS = {
    "/": loop,
    "/pid": pid,
    "/upload": upload,
    "/download": download,
    "/forever": forever,
}
