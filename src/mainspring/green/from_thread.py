"""`from_thread`: calls from an OS thread into the loop, where they run as green threads."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from mainspring.green.background import background_loop
from mainspring.green.calls import green
from mainspring.green.outside import refuse_to_block, wait_in_thread
from mainspring.loop.home import home_loop

__all__ = ["from_thread"]


def from_thread(
    function: Callable[..., Any],
    /,
    *args: Any,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> Any:
    """Calls a function in the thread of a loop, and blocks this OS thread until it has ended.

    Parameters:
        function: a coroutine function; or a plain function, which runs as a green thread and may
            wait with `await_`. It is called with `args` and `kwargs`, in a copy of this thread's
            context.
        loop: the loop; by default the one for which this thread works (`to_thread`, `run_idle`),
            else the background loop of the process.

    Returns:
        What the function returns.

    Raises:
        BlockingSwitchOutError: a loop runs in this thread.
        RuntimeError: the loop is closed, or was closed meanwhile.
        BaseException: what the function raises; `asyncio.CancelledError` if its task is cancelled.
            A KeyboardInterrupt in this thread cancels the task.
    """
    if asyncio._get_running_loop() is not None:
        refuse_to_block("from_thread()", "the function itself")
    loop = loop or home_loop() or background_loop()
    if inspect.iscoroutinefunction(function):
        return wait_in_thread(loop, function(*args, **kwargs))
    return wait_in_thread(loop, green(function, *args, **kwargs))
