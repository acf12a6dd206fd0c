"""`GreenThread`: an `asyncio.Task` with what users of gevent and eventlet expect of one."""

import asyncio
from collections.abc import Callable
from typing import Any

from mainspring.green.call import current
from mainspring.green.coroutine import GreenCoroutine
from mainspring.green.errors import GreenletExit
from mainspring.green.outside import wait_in_thread
from mainspring.green.waiting import await_

__all__ = ["GreenThread", "interrupt"]


class GreenThread[T](asyncio.Task[T]):
    """A task that `spawn` has started.

    In coroutines `await thread` and the other ways of tasks serve; the methods here that wait are
    for green threads and OS threads.
    """

    __slots__ = ()

    def join(self, timeout: float | None = None) -> None:
        """Waits until the thread has ended, however it ends; it goes on if the time is over first.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.

        Raises:
            BlockingSwitchOutError: as `await_`.
            RuntimeError: a thread can't wait for its own end.
        """
        if not self.done():
            self._refuse_self()
            if current() is None and asyncio._get_running_loop() is None:
                wait_in_thread(self.get_loop(), asyncio.wait([self], timeout=timeout))
            elif timeout is None and asyncio._get_running_loop() is self.get_loop():
                self._wait_for_end()
            else:
                await_(asyncio.wait([self], timeout=timeout))

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Returns what the thread's function returned, and waits for that.

        Parameters:
            block: False to raise `TimeoutError` at once if the thread hasn't ended.
            timeout: seconds to wait at most; None to wait for ever.

        Raises:
            TimeoutError: it hasn't ended in time; it goes on.
            BaseException: what the function raised; `asyncio.CancelledError` if it was cancelled or
                killed.
        """
        if not self.done():
            if block:
                self.join(timeout)
            if not self.done():
                raise TimeoutError(f"{self!r} has not ended")
        return self.result()

    def wait(self) -> T:
        """Returns what the thread's function returned, and waits for that: eventlet's word."""
        return self.get()

    def kill(
        self,
        exception: BaseException | type[BaseException] = GreenletExit,
        block: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Raises an exception in the thread where it waits; does nothing if it has ended.

        A thread that hasn't begun never runs. With a `GreenletExit` it ends as cancelled, with
        another exception as failed, unless it catches the exception. A generator or a coroutine
        that `spawn` has started is cancelled, whatever the exception.

        Parameters:
            exception: what to raise, an exception or its type.
            block: True to wait until the thread has ended; only where waiting is possible, in green
                threads and OS threads.
            timeout: seconds to wait at most.
        """
        exc = exception() if isinstance(exception, type) else exception
        if self.done():
            return
        if asyncio._get_running_loop() is not self.get_loop():
            self.get_loop().call_soon_threadsafe(interrupt, self, exc)
        elif self is asyncio.current_task():
            raise exc
        else:
            interrupt(self, exc)
        if block and (current() is not None or asyncio._get_running_loop() is None):
            self.join(timeout)

    def link(self, callback: Callable[["GreenThread[T]"], object]) -> None:
        """Has a function called with the thread when it has ended; at once if it has."""
        self.add_done_callback(callback)

    def unlink(self, callback: Callable[["GreenThread[T]"], object]) -> None:
        """Takes back what `link` asked for."""
        self.remove_done_callback(callback)

    def ready(self) -> bool:
        """Returns True when the thread has ended."""
        return self.done()

    def successful(self) -> bool:
        """Returns True when the function has returned."""
        return self.done() and not self.cancelled() and super().exception() is None

    @property
    def dead(self) -> bool:
        """True when the thread has ended."""
        return self.done()

    @property
    def value(self) -> T | None:
        """What the function returned; None as long as it hasn't."""
        return self.result() if self.successful() else None

    def _refuse_self(self) -> None:
        if asyncio._get_running_loop() is not None and asyncio.current_task() is self:
            raise RuntimeError(f"{self!r} can't wait for its own end")

    def _wait_for_end(self) -> None:
        """Waits as `asyncio.wait` does: for a future of its own, which may be cancelled."""
        ended = self.get_loop().create_future()

        def tell(_: object) -> None:
            if not ended.done():
                ended.set_result(None)

        self.add_done_callback(tell)
        try:
            await_(ended)
        finally:
            self.remove_done_callback(tell)


def interrupt(task: asyncio.Task[Any], exc: BaseException, call: Any = None) -> None:
    """Raises an exception in a task where it waits, without a trace in `cancelling()`.

    What it waits for is cancelled, as `Task.cancel` does. Must be called in the loop's thread, and
    not by the task itself.

    Parameters:
        task: a task.
        exc: what to raise.
        call: the green call of the task in which to raise; the outermost by default.
    """
    if task.done():
        return
    if call is None:
        call = task.get_coro()
    if not isinstance(call, (GreenCoroutine,)):
        # Nothing of ours: all that it can be told is to end.
        task.cancel()
        return
    token = call.interrupt(exc)
    waiter = task._fut_waiter  # type: ignore[attr-defined]
    if waiter is not None:
        waiter.cancel(msg=token)
