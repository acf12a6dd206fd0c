"""`run`: the one-call way in."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, overload

from mainspring.green.main_thread import MainThread
from mainspring.loop.loop import new_event_loop

__all__ = ["run"]


@overload
def run[T](
    main: Coroutine[Any, Any, T] | Callable[[], Coroutine[Any, Any, T]],
    *,
    debug: bool | None = None,
) -> T: ...
@overload
def run[T](main: Callable[[], T], *, debug: bool | None = None) -> T: ...
def run(main: Any, *, debug: bool | None = None) -> Any:
    """Runs a function or coroutine on a new loop, closes the loop, and returns the result.

    As `asyncio.run`: what is left of other tasks is cancelled, asynchronous generators and the
    default executor are shut down, and Ctrl-C cancels `main`. In a plain function Ctrl-C raises a
    KeyboardInterrupt where it waits; and so does each exception that comes out of the loop, as from
    a signal's handler.

    Parameters:
        main: a coroutine function, which is called without arguments, or a coroutine; or a plain
            function, which runs as a green thread and may wait with `await_`.
        debug: True or False to set debug mode; None to leave it as the environment has it.

    Raises:
        RuntimeError: a loop runs in this thread already.
        TypeError: `main` is none of these.
    """
    if not asyncio.iscoroutine(main) and not callable(main):
        raise TypeError(f"a function or a coroutine was expected, got {main!r}")
    if asyncio._get_running_loop() is not None:
        # Said before the function is called, or its coroutine would never be awaited.
        raise RuntimeError(
            "mainspring.run() cannot be called while a loop runs in this thread; await instead"
        )
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        if inspect.iscoroutinefunction(main):
            main = main()
        if asyncio.iscoroutine(main):
            return runner.run(main)
        loop: Any = runner.get_loop()
        return MainThread(loop, main).run()
