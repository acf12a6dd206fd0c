"""`Reply`: what every operation returns at once, and what each model waits for in its own way.

It is an `asyncio.Future` of the transport's loop: a coroutine awaits it, a callback is added to it,
and in an OS thread `result(timeout)` blocks until it is there. All its methods may be used from any
thread. A call that is cancelled is given up: the server is told so.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextvars import Context
from typing import Any, Protocol

from mainspring.green.outside import wait_in_thread

__all__ = ["Abandonable", "Reply", "reply_of"]


class Abandonable(Protocol):
    """Who is told that a reply isn't wanted any more."""

    def on_abandoned(self, reply: "Reply[Any]") -> None:
        """Is told so in the loop's thread, once."""


class Reply[T](asyncio.Future[T]):
    """The outcome of a call, a cast or another operation, now or later."""

    # A call's own; class attributes, because most replies to a cast have none of it.
    _owner: Abandonable | None = None
    _request: Any = None
    _timer: asyncio.TimerHandle | None = None
    _monitor: asyncio.TimerHandle | None = None
    # The modules whose exceptions may be made here, and what makes a typed result of a plain one.
    _allowed: Collection[str] = ()
    _convert: Callable[[Any], T] | None = None

    def result(self, timeout: float | None = None) -> T:
        """Returns the result; in an OS thread, waits for it.

        Parameters:
            timeout: seconds to wait; None for as long as it takes. The operation goes on when they
                are over: `cancel()` ends it.

        Returns:
            The result.

        Raises:
            asyncio.InvalidStateError: it isn't there yet, and this thread runs a loop, which
                waiting would stop: await it, add a callback, or in a green thread `await_(reply)`.
            TimeoutError: it isn't there after `timeout`.
            RuntimeError: its loop was closed before it came.
            asyncio.CancelledError: it was cancelled.
            BaseException: what the operation raised.
        """
        if not self.done():
            self._block(timeout)
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Returns what the operation raised, or None; in an OS thread, waits for it.

        Parameters:
            timeout: as for `result`.

        Raises:
            asyncio.InvalidStateError: as for `result`.
            TimeoutError: as for `result`.
            asyncio.CancelledError: it was cancelled.
        """
        if not self.done():
            self._block(timeout)
        return super().exception()

    def cancel(self, msg: Any | None = None) -> bool:
        """Gives the operation up.

        Parameters:
            msg: what `CancelledError` says.

        Returns:
            False if it was done already. In another thread than the loop's: whether it was not yet
            done, which may change before the loop is asked.
        """
        loop = self.get_loop()
        if asyncio._get_running_loop() is not loop and loop.is_running():
            if self.done():
                return False
            loop.call_soon_threadsafe(self.cancel, msg)
            return True
        if not super().cancel(msg):
            return False
        if self._owner is not None:
            self._owner.on_abandoned(self)
        return True

    def add_done_callback(
        self, fn: Callable[["Reply[T]"], object], *, context: Context | None = None
    ) -> None:
        """Has `fn(reply)` called in the loop's thread once the operation is done.

        Parameters:
            fn: the callback.
            context: the context that it runs in; None for the current one.
        """
        loop = self.get_loop()
        if asyncio._get_running_loop() is loop or not loop.is_running():
            super().add_done_callback(fn, context=context)
            return
        add = super().add_done_callback
        loop.call_soon_threadsafe(lambda: add(fn), context=context)

    def _block(self, timeout: float | None) -> None:
        """Waits in an OS thread."""
        if asyncio._get_running_loop() is not None:
            raise asyncio.InvalidStateError(
                "the reply isn't there yet, and this thread runs an event loop, which can't wait: "
                "await the reply, in a green thread await_(reply), or use add_done_callback()"
            )
        if not self.get_loop().is_running():
            raise asyncio.InvalidStateError(
                f"the reply isn't there yet, and its loop doesn't run, so it can't come: {self!r}"
            )
        try:
            # Not for the reply itself: that goes on when the time is over.
            wait_in_thread(self.get_loop(), asyncio.wait([self]), timeout)
        except TimeoutError:
            raise TimeoutError(f"no reply within {timeout} s; it is still awaited") from None


def reply_of[T](loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> Reply[T]:
    """Has a coroutine run as a task of a loop, from any thread.

    Parameters:
        loop: the loop.
        coroutine: what to run; it is cancelled with the reply.

    Returns:
        The reply that has its result.
    """
    reply: Reply[T] = Reply(loop=loop)
    runner = _Runner(coroutine)
    reply._owner = runner
    if asyncio._get_running_loop() is loop:
        runner.start(reply)
    else:
        loop.call_soon_threadsafe(runner.start, reply)
    return reply


class _Runner[T]:
    """Runs a coroutine for a reply."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None

    def start(self, reply: Reply[T]) -> None:
        if reply.done():
            self._coroutine.close()
            return
        self._task = reply.get_loop().create_task(self._coroutine)
        self._task.add_done_callback(lambda task: _hand_over(task, reply))

    def on_abandoned(self, reply: Reply[T]) -> None:
        if self._task is not None:
            self._task.cancel()


def _hand_over[T](task: asyncio.Task[T], reply: Reply[T]) -> None:
    if task.cancelled():
        if not reply.done():
            asyncio.Future.cancel(reply)
        return
    error = task.exception()
    if reply.done():
        return
    if error is not None:
        reply.set_exception(error)
    else:
        reply.set_result(task.result())
