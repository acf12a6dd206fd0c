"""Waiting where no green call runs: an OS thread blocks; the thread of a running loop must not.

A greenlet of another library on our loop waits as that library does.

The work is done by a loop that runs in another thread: the future's own; else the loop for which
this thread works (`to_thread`, `run_idle`); else the process's background loop. If that loop is
closed first, the thread that waits gets an error. A Deferred's work is the reactor's.
"""

import asyncio
import concurrent.futures
import contextvars
import time
from collections.abc import Callable
from typing import Any, NoReturn

from mainspring.green.background import background_loop
from mainspring.green.deferreds import is_deferred, wait_for_deferred
from mainspring.green.errors import BlockingSwitchOutError
from mainspring.green.foreign import find_wait
from mainspring.green.generators import as_iterator
from mainspring.loop.home import home_loop
from mainspring.loop.loop import Loop
from mainspring.sync.result import AsyncResult
from mainspring.sync.wait import Wait

__all__ = ["await_outside", "refuse_to_block", "sleep_outside", "wait_in_thread"]


def await_outside(awaitable: Any) -> Any:
    """Waits for something awaitable; see `await_`."""
    wait = find_wait()
    if wait is not None:
        is_known = asyncio.isfuture(awaitable) or asyncio.iscoroutine(awaitable)
        return wait(awaitable if is_known else _run(awaitable))
    if asyncio._get_running_loop() is not None:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        refuse_to_block("await_()", "`await`")
    if isinstance(awaitable, concurrent.futures.Future):
        return awaitable.result()
    if isinstance(awaitable, Wait):
        return awaitable.block()
    if isinstance(awaitable, AsyncResult):
        return awaitable.get().block()
    if asyncio.isfuture(awaitable):
        return wait_in_thread(awaitable.get_loop(), awaitable)
    if is_deferred(awaitable):
        return wait_for_deferred(awaitable)
    return wait_in_thread(home_loop() or background_loop(), awaitable)


def sleep_outside(seconds: float) -> None:
    """Sleeps; see `sleep`."""
    wait = find_wait()
    if wait is not None:
        wait(asyncio.sleep(seconds))
        return
    if asyncio._get_running_loop() is not None:
        refuse_to_block("sleep()", "`await asyncio.sleep()`")
    time.sleep(max(seconds, 0))


def refuse_to_block(call: str, instead: str) -> NoReturn:
    """Raises the error of who would wait in the loop's own thread, and not in a green thread.

    Parameters:
        call: what was called.
        instead: what a coroutine would write.
    """
    raise BlockingSwitchOutError(
        f"{call} was called outside a green thread, in the thread of a running loop, which would "
        f"stop; in a coroutine use {instead}, or run the function with `await green(function)` or "
        f"`spawn(function)`"
    )


async def _run(awaitable: Any) -> Any:
    return await _Awaitable(awaitable)


class _Awaitable:
    def __init__(self, awaitable: Any) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Any:
        return as_iterator(self._awaitable)


def wait_in_thread(
    loop: asyncio.AbstractEventLoop, awaitable: Any, timeout: float | None = None
) -> Any:
    """Has a loop that runs in another thread wait for something, and blocks this one until then.

    Parameters:
        loop: the loop.
        awaitable: what to wait for there, in a copy of this thread's context.
        timeout: seconds to wait at most; None to wait for ever.

    Raises:
        TimeoutError: the time is over; the work there is cancelled.
        RuntimeError: the loop is closed, or was closed meanwhile.
        BaseException: what the awaitable raises. A KeyboardInterrupt here cancels the work there.
    """
    answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
    started: list[asyncio.Future[Any]] = []
    is_own = not asyncio.isfuture(awaitable)

    def start() -> None:
        if asyncio.iscoroutine(awaitable):
            # As it is: a task that is cancelled before it begins closes its own coroutine only.
            task: asyncio.Future[Any] = loop.create_task(awaitable)
        else:
            task = loop.create_task(_run(awaitable)) if is_own else awaitable
        started.append(task)
        task.add_done_callback(finish)

    def finish(task: asyncio.Future[Any]) -> None:
        if answer.done():
            return
        if task.cancelled():
            answer.set_exception(asyncio.CancelledError())
        elif (exc := task.exception()) is not None:
            answer.set_exception(exc)
        else:
            answer.set_result(task.result())

    def drop() -> None:
        if not started and asyncio.iscoroutine(awaitable):
            # It never began, and never will.
            awaitable.close()

    def lose() -> None:
        # Here already: at the interpreter's end the thread that waits may not run any more.
        drop()
        if not answer.done():
            answer.set_exception(
                RuntimeError(f"{loop!r} was closed while a thread waited for {awaitable!r}")
            )

    def cancel() -> None:
        if is_own:
            for task in started:
                task.cancel()

    forget: Callable[[], None] = loop._at_close(lose) if isinstance(loop, Loop) else lambda: None
    try:
        loop.call_soon_threadsafe(start, context=contextvars.copy_context())
        return answer.result(timeout)
    except BaseException:
        if loop.is_closed():
            drop()
        elif not answer.done():
            loop.call_soon_threadsafe(cancel)
        raise
    finally:
        forget()
