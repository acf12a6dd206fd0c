"""What the green threads' tests share."""

import asyncio
from typing import Any

from mainspring.green import sleep


def soon(value: Any = None, exc: BaseException | None = None) -> asyncio.Future[Any]:
    """Returns a future of the running loop that will have a result, or fail, in the next turn."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    if exc is None:
        loop.call_soon(future.set_result, value)
    else:
        loop.call_soon(future.set_exception, exc)
    return future


def never() -> asyncio.Future[Any]:
    """Returns a future of the running loop that nobody completes."""
    return asyncio.get_running_loop().create_future()


def turns(count: int = 3) -> None:
    """Lets what is ready run, in a green thread."""
    for _ in range(count):
        sleep(0)
