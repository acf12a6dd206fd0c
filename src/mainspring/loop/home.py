"""The loop that a worker thread works for: it serves what waits in that thread."""

import asyncio
import threading
from collections.abc import Callable

__all__ = ["call_at_home", "home_loop"]


class _Home(threading.local):
    loop: asyncio.AbstractEventLoop | None = None


_home = _Home()


def home_loop() -> asyncio.AbstractEventLoop | None:
    """Returns the loop that has given this thread what it does now, None for no loop."""
    return _home.loop


def call_at_home[*Ts, T](
    loop: asyncio.AbstractEventLoop, function: Callable[[*Ts], T], args: tuple[*Ts]
) -> T:
    """Calls a function in a worker thread of a loop, and returns what it returns.

    Parameters:
        loop: the loop.
        function: what to call.
        args: its positional arguments.
    """
    before, _home.loop = _home.loop, loop
    try:
        return function(*args)
    finally:
        _home.loop = before
