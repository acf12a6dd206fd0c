"""`run`: the one-call way in.

A green thread that it makes in the main thread is the main thread to code that asks.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any, overload

from mainspring.green.calls import green
from mainspring.loop.loop import new_event_loop

__all__ = ["is_main", "run"]

# The task of each `run` of a plain function in the main thread, the innermost last.
_main_tasks: list[asyncio.Task[Any]] = []


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
    default executor are shut down, and Ctrl-C cancels `main`.

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
        return runner.run(main if asyncio.iscoroutine(main) else green(_run_main, main))


def _run_main[T](main: Callable[[], T]) -> T:
    task = asyncio.current_task()
    assert task is not None
    if threading.get_ident() != threading.main_thread().ident:
        return main()
    _main_tasks.append(task)
    try:
        return main()
    finally:
        _main_tasks.remove(task)


def is_main(task: asyncio.Task[Any] | None) -> bool:
    """Returns True for the green thread that `run` has made of a function in the main thread.

    Parameters:
        task: any task, or None.
    """
    return task in _main_tasks
