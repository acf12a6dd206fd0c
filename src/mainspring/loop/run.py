"""`run`: the one-call way in."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from mainspring.loop.loop import new_event_loop

__all__ = ["run"]


def run[T](
    main: Coroutine[Any, Any, T] | Callable[[], Coroutine[Any, Any, T]],
    *,
    debug: bool | None = None,
) -> T:
    """Runs a coroutine on a new loop, closes the loop, and returns the result.

    As `asyncio.run`: what is left of other tasks is cancelled, asynchronous generators and the
    default executor are shut down, and Ctrl-C cancels `main`.

    Parameters:
        main: the coroutine, or a coroutine function, which is called without arguments.
        debug: True or False to set debug mode; None to leave it as the environment has it.

    Raises:
        RuntimeError: a loop runs in this thread already.
        TypeError: `main` is neither; a plain function, too, is refused.
    """
    if not asyncio.iscoroutine(main) and not inspect.iscoroutinefunction(main):
        if callable(main):
            raise TypeError(
                f"a coroutine function was expected, got {main!r}; a plain function would run as "
                f"a green thread, and green threads are not there yet: define it with `async def`"
            )
        raise TypeError(f"a coroutine or a coroutine function was expected, got {main!r}")
    if asyncio._get_running_loop() is not None:
        # Said before the function is called, or its coroutine would never be awaited.
        raise RuntimeError(
            "mainspring.run() cannot be called while a loop runs in this thread; await instead"
        )
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        return runner.run(main if asyncio.iscoroutine(main) else main())
