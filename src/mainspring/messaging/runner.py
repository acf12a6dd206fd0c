"""`Runner`: runs the function that serves a call: in the loop, in a green or in an OS thread.

Whatever happens, `on_done` is called once for each call that is started, in the loop's thread. A
handler sees the caller's context and trace, and runs at the priority that the message names.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mainspring.loop.home import call_at_home
from mainspring.messaging.call import Call
from mainspring.messaging.context import call_variable
from mainspring.messaging.entering import handler_context

__all__ = ["Runner"]

type OnDone = Callable[[Call, Any, BaseException | None], None]


class Runner:
    """Runs handlers.

    Parameters:
        loop: where coroutines run.
        threads: how many threads there may be for plain functions.
        on_done: is told of each call that has ended: its result, and what it raised or None.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: int, on_done: OnDone) -> None:
        self._loop = loop
        self._threads = threads
        self._on_done = on_done
        self._executor: ThreadPoolExecutor | None = None
        # What handlers begin with: the context in which the server was started.
        self._context = contextvars.copy_context()
        self._context.run(call_variable.set, None)

    def start(self, call: Call) -> None:
        """Has a call's handler run."""
        context = handler_context(self._context, call)
        method = call.method
        if method.run == "thread":
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._threads, "mainspring-endpoint")
            self._executor.submit(self._run_in_thread, call, context)
        elif method.coroutine is not None:
            call.task = self._loop.create_task(self._serve(call), context=context)
        else:
            self._loop.call_soon(self._run_here, call, context=context)

    def cancel(self, call: Call) -> None:
        """Stops a handler, if it can be stopped."""
        task = call.task
        if task is None:
            return
        task.cancel()
        if not call.entered:
            # Its coroutine never begins, so it can't say that it has ended.
            self._on_done(call, None, asyncio.CancelledError())

    def close(self) -> None:
        """Ends the threads that have nothing to do; those that have end later."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, call: Call) -> None:
        call.entered = True
        method = call.method
        args = call.request.args
        try:
            if method.arguments is not None:
                args = method.arguments(args)
            assert method.coroutine is not None
            result = await method.coroutine(**args)
            if method.result is not None:
                result = method.result(result)
        except (Exception, asyncio.CancelledError) as exc:
            self._on_done(call, None, exc)
        except GeneratorExit:
            # The loop was closed, and the task is collected: nobody is left to be told.
            raise
        except BaseException as exc:
            self._on_done(call, None, exc)
            raise
        else:
            self._on_done(call, result, None)

    def _run_here(self, call: Call) -> None:
        result, error = _outcome(call)
        if error is None and asyncio.isfuture(result):
            # A callback's way to answer later.
            call.task = result
            call.entered = True
            result.add_done_callback(partial(self._on_future, call))
        else:
            self._on_done(call, result, error)

    def _on_future(self, call: Call, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self._on_done(call, None, asyncio.CancelledError())
        elif (error := future.exception()) is not None:
            self._on_done(call, None, error)
        else:
            self._on_done(call, *_written(call, future.result()))

    def _run_in_thread(self, call: Call, context: contextvars.Context) -> None:
        result, error = context.run(call_at_home, self._loop, _outcome, (call,))
        try:
            self._loop.call_soon_threadsafe(self._on_done, call, result, error)
        except RuntimeError:
            # The loop was closed before the function ended: nobody is left to be told.
            pass


def _outcome(call: Call) -> tuple[Any, BaseException | None]:
    """Calls a plain function; returns its result, and what it raised or None."""
    method = call.method
    args = call.request.args
    try:
        if method.arguments is not None:
            args = method.arguments(args)
        result = method.function(**args)
    except BaseException as exc:
        return None, exc
    return (result, None) if asyncio.isfuture(result) else _written(call, result)


def _written(call: Call, result: Any) -> tuple[Any, BaseException | None]:
    """Makes plain data of a typed method's result; returns it, and what that raised or None."""
    if call.method.result is None:
        return result, None
    try:
        return call.method.result(result), None
    except Exception as exc:
        return None, exc
