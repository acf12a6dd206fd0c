"""CPU-bound Python in the time that the loop leaves: `run_idle` and `IdleExecutor`.

Each loop has one idle thread. It runs one job after another, first come, first served, and holds
the GIL only while the loop sleeps: when I/O arrives, it gives way at its next safe point. To a job
that was submitted with `inherit=True` those lend their priority that wait for it.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Literal

from mainspring.loop.idle_thread import IdleThread
from mainspring.loop.part import Part

__all__ = ["Idle", "IdleExecutor"]


class Idle(Part):
    """The idle thread of a loop."""

    def run_idle[*Ts, T](
        self,
        func: Callable[[*Ts], T],
        *args: *Ts,
        cancel_idle: Literal["finish", "raise"] = "finish",
        inherit: bool = False,
    ) -> asyncio.Future[T]:
        """Runs a function in the loop's idle thread: only while the loop sleeps.

        The function sees the current context. Functions run one at a time, in order of arrival.

        With `inherit=True` the function is less idle while a task above DEFAULT waits for the
        future: it goes before the other idle functions that haven't begun, and the idle thread
        shares the GIL with the loop as any worker thread does. That holds as long as somebody at
        HIGH or URGENT waits, and for the function that is in front of it, too.

        Parameters:
            func: a plain function, called with `args`.
            cancel_idle: what becomes of the function, once it runs, when the future is cancelled:
                "finish" to let it end (its result is dropped), "raise" to raise
                `asyncio.CancelledError` in it at its next safe point. One that doesn't run yet
                never will.
            inherit: True to have those that wait for the future lend their priority.

        Returns:
            A future of its result.

        Raises:
            RuntimeError: the loop is closed, or its threads were shut down.
            TypeError: `func` is a coroutine function or can't be called.
            ValueError: `cancel_idle` is neither of the two.
        """
        self._check_closed()
        if cancel_idle not in ("finish", "raise"):
            raise ValueError(f'cancel_idle must be "finish" or "raise", not {cancel_idle!r}')
        if inspect.iscoroutinefunction(func) or asyncio.iscoroutine(func):
            raise TypeError(
                f"coroutines cannot be used with run_idle(), got {func!r}; for a coroutine use "
                f"create_task(coro, priority=Priority.IDLE)"
            )
        thread = self._own_idle_thread()
        job = thread.submit(func, args, {}, cancel_idle == "raise")
        if not inherit:
            return self._future_of(job)
        return self._future_of(job, self._create_job_future(partial(thread.urge, job)))

    def _after_fork(self) -> None:
        super()._after_fork()
        self._idle_thread = None

    def _own_idle_thread(self) -> IdleThread:
        if self._executor_shut:
            raise RuntimeError("Executor shutdown has been called")
        if self._idle_thread is None:
            self._idle_thread = IdleThread(self, self.gate)
        return self._idle_thread


class IdleExecutor(Executor):
    """The idle thread of a loop as a `concurrent.futures.Executor`.

    All executors of one loop share its idle thread.

    Parameters:
        loop: a Mainspring loop; the running one by default.

    Raises:
        RuntimeError: no loop was given and none runs.
        TypeError: the loop is not a Mainspring loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if loop is None:
            loop = asyncio.get_running_loop()
        if not isinstance(loop, Idle):
            raise TypeError(
                f"IdleExecutor needs a Mainspring loop, which has an idle thread: {loop!r}"
            )
        self._loop = loop
        self._jobs: set[Future[Any]] = set()
        self._is_shut = False
        self._lock = threading.Lock()

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Has a function called in the idle thread, in the current context.

        Returns:
            A future; `cancel()` has no effect on a function that runs already.

        Raises:
            RuntimeError: the executor or the loop's threads were shut down, or the loop is closed.
            TypeError: `fn` can't be called.
        """
        with self._lock:
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._loop._check_closed()
            job = self._loop._own_idle_thread().submit(fn, args, kwargs, False)
            self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets no new work in. The loop's idle thread lives on.

        Parameters:
            wait: True to block until what was submitted here is done.
            cancel_futures: True to cancel what doesn't run yet.
        """
        with self._lock:
            self._is_shut = True
            jobs = list(self._jobs)
        if cancel_futures:
            for job in jobs:
                job.cancel()
        if wait:
            futures.wait(jobs)
