"""`run`: the one-call way in."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from mainspring.loop.loop import new_event_loop

__all__ = ["run"]


def run[T](main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """Runs a coroutine on a new loop, closes the loop, and returns the result.

    As `asyncio.run`: what is left of other tasks is cancelled, asynchronous generators and the
    default executor are shut down, and Ctrl-C cancels `main`.

    Parameters:
        main: the coroutine.
        debug: True or False to set debug mode; None to leave it as the environment has it.

    Raises:
        RuntimeError: a loop runs in this thread already.
        ValueError: `main` is not a coroutine.
    """
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        return runner.run(main)
