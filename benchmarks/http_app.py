"""The smallest ASGI application: plain text, nothing computed, so the server is all there is."""

from collections.abc import Awaitable, Callable
from typing import Any

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
}
BODY = {"type": "http.response.body", "body": b"Hello, World!"}


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answers every request with the same thirteen bytes.

    Args:
        scope: what the server says about the request; not looked at.
        receive: gives the request's body; not called.
        send: takes the two messages of the answer.
    """
    await send(START)
    await send(BODY)
