"""One that waits, of each kind: a coroutine, a green thread, an OS thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from mainspring.green import await_, spawn

KINDS = ("coroutine", "green", "thread")


def start(kind: str, make: Callable[[], Any], tell: Callable[[Any], object]) -> Any:
    """Has one of a kind wait for what `make` returns, and tell what came of it.

    Parameters:
        kind: one of `KINDS`.
        make: returns the awaitable; called where it is awaited.
        tell: called with the result.

    Returns:
        An awaitable for its end.
    """
    if kind == "coroutine":

        async def wait() -> None:
            tell(await make())

        return asyncio.create_task(wait())
    if kind == "green":
        return spawn(lambda: tell(await_(make())))
    return in_thread(lambda: tell(await_(make())))


def in_thread(function: Callable[[], Any]) -> asyncio.Future[Any]:
    """Calls a function in an OS thread of its own; returns the future of what it returns."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def run() -> None:
        try:
            result, exc = function(), None
        except BaseException as error:
            result, exc = None, error
        loop.call_soon_threadsafe(finish, result, exc)

    def finish(result: Any, exc: BaseException | None) -> None:
        if exc is None:
            future.set_result(result)
        else:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return future


async def until(condition: Callable[[], bool]) -> None:
    """Lets others run, OS threads too, until something holds."""
    while not condition():
        await asyncio.sleep(0)


def waiters(primitive: Any) -> int:
    """Returns how many wait, as `repr` says it."""
    text = repr(primitive)
    found = 0
    for mark in ("waiters:", "_getters[", "_putters["):
        if mark in text:
            number = text.split(mark)[1]
            found += int(number[: next(i for i, c in enumerate(number) if not c.isdigit())])
    return found
