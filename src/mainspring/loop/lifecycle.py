"""A loop's life: running, stopping, and closing with nothing left behind."""

import asyncio
import contextvars
import os
import sys
import threading
import warnings
import weakref
from asyncio import coroutines, events
from asyncio.base_events import _run_until_complete_cb  # type: ignore[attr-defined]
from collections.abc import AsyncGenerator, Callable
from typing import Any

from mainspring.loop.part import Part

__all__ = ["Lifecycle", "rejoin"]

_ORIGIN_DEPTH = 10

_live_loops: weakref.WeakSet["Lifecycle"] = weakref.WeakSet()


def _before_fork() -> None:
    for loop in list(_live_loops):
        # A thread of the loop's own is no reason to warn of a fork with threads.
        loop._end_blocking_watch()


def _after_fork_in_child() -> None:
    for loop in list(_live_loops):
        loop._after_fork()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def rejoin(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None) -> None:
    """Makes a loop and a task what runs in this thread of a forked child, as before the fork."""
    events._set_running_loop(loop)
    if asyncio.current_task(loop) is not task:
        asyncio.tasks._swap_current_task(loop, task)  # type: ignore[attr-defined]


class Lifecycle(Part):
    """Running a loop, stopping it, and closing it."""

    def __init__(self) -> None:
        self._asyncgens: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()
        self._asyncgens_shut = False
        self._blocking_watch = None
        self._close_callbacks: dict[Callable[[], None], None] = {}
        self._current_handle = None
        self._default_executor = None
        self._idle_thread = None
        self._exception_handler = None
        self._executor_shut = False
        self._origin_tracking: int | None = None
        self.slow_callback_duration = 0.1
        self.set_debug(coroutines._is_debug_mode())  # type: ignore[attr-defined]
        _live_loops.add(self)

    def run_forever(self) -> None:
        """Runs until `stop()` is called.

        Raises:
            RuntimeError: the loop is closed or runs already, or another loop runs in this thread.
        """
        self._run(self._run_iterations)

    def step(self, *, may_sleep: bool = False) -> None:
        """Runs one iteration: for tests and debuggers.

        Parameters:
            may_sleep: True to wait in the poll when nothing is queued, as a running loop does.

        Raises:
            RuntimeError: as `run_forever`.
        """
        self._run(lambda: self._run_iteration(may_sleep))

    def run_until_complete(self, future: Any) -> Any:
        """Runs until a future or coroutine is done.

        Returns:
            Its result.

        Raises:
            RuntimeError: as `run_forever`; or the loop was stopped before the future was done.
            BaseException: what the future raises.
        """
        return self._run_until_complete(future, self.run_forever)

    def _run_until_complete(self, future: Any, run: Callable[[], None]) -> Any:
        """See `run_until_complete`.

        Parameters:
            run: runs the loop until it is stopped, as `run_forever` does.
        """
        self._check_closed()
        self._check_not_running()
        is_new_task = not asyncio.isfuture(future)
        future = asyncio.ensure_future(future, loop=self)
        if is_new_task:
            # Whoever called sees the exception; the log needn't tell of it too.
            future._log_destroy_pending = False
        # In a context of its own, so that the end of a LOW task is not LOW itself.
        future.add_done_callback(_run_until_complete_cb, context=contextvars.Context())
        try:
            run()
        except BaseException:
            if is_new_task and future.done() and not future.cancelled():
                # Retrieved, so that the exception raised here isn't logged a second time.
                future.exception()
            raise
        finally:
            future.remove_done_callback(_run_until_complete_cb)
        if not future.done():
            raise RuntimeError("Event loop stopped before Future completed.")
        return future.result()

    def close(self) -> None:
        """Closes the loop: what is queued never runs, what is watched is forgotten.

        Does nothing the second time.

        Raises:
            RuntimeError: the loop runs.
        """
        if self.is_running():
            raise RuntimeError("Cannot close a running event loop")
        if self.is_closed():
            return
        for tell in list(self._close_callbacks):
            tell()
        self._end_blocking_watch()
        self._close_signals()
        self._shut()
        self._forget_subprocesses()
        self._executor_shut = True
        executor = self._default_executor
        if executor is not None:
            self._default_executor = None
            executor.shutdown(wait=False)
        if self._idle_thread is not None:
            # What runs there goes on, with the gate open.
            self._idle_thread.shutdown(wait=False, cancel_futures=True)
            self._idle_thread = None

    def _at_close(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Has a function called when the loop is closed. Returns a function that prevents it."""
        self._close_callbacks[tell] = None
        return lambda: self._close_callbacks.pop(tell, None)

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if not self.is_closed():
            _warn(f"unclosed event loop {self!r}", ResourceWarning, source=self)
            if not self.is_running():
                self.close()

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} running={self.is_running()} "
            f"closed={self.is_closed()} debug={self.get_debug()}>"
        )

    def _run(self, iterate: Callable[[], None]) -> None:
        outer = self._enter_run()
        try:
            iterate()
        finally:
            self._leave_run(outer)

    def _enter_run(self) -> Any:
        """Makes this thread's interpreter the loop's; returns what `_leave_run` is to restore."""
        self._check_closed()
        self._check_not_running()
        if self.get_debug():
            self._begin_blocking_watch()
        hooks = sys.get_asyncgen_hooks()
        wakeup_fd = self._begin_signals()
        self._begin_running()
        try:
            self._track_coroutine_origins(self.get_debug())
            sys.set_asyncgen_hooks(
                firstiter=self._asyncgen_first_iterated, finalizer=self._asyncgen_finalized
            )
            events._set_running_loop(self)
        except BaseException:
            self._leave_run((hooks, wakeup_fd))
            raise
        return hooks, wakeup_fd

    def _leave_run(self, outer: Any) -> None:
        hooks, wakeup_fd = outer
        self._end_running()
        events._set_running_loop(None)
        self._track_coroutine_origins(False)
        sys.set_asyncgen_hooks(*hooks)
        if wakeup_fd is not None:
            self._end_signals(wakeup_fd)

    def _go_on_after_fork(self, task: asyncio.Task[Any] | None) -> None:
        """Goes on with the run that this thread is in the middle of, in a forked child.

        A child is in no loop and, since 3.14, in no task: whoever forks there as a rule doesn't
        come back to the loop. Green threads do. Does nothing in another thread's loop.

        Parameters:
            task: what the current task was when it forked.
        """
        if self._thread_id != threading.get_ident():
            return
        rejoin(self, task)
        if threading.current_thread() is threading.main_thread():
            self._begin_signals()

    def _check_not_running(self) -> None:
        if self.is_running():
            raise RuntimeError("This event loop is already running")
        if events._get_running_loop() is not None:
            raise RuntimeError("Cannot run the event loop while another loop is running")

    def set_debug(self, enabled: bool) -> None:
        """Switches debug mode: slow callbacks, wrong threads and lost coroutines are reported."""
        super().set_debug(enabled)
        if self.is_running():
            self.call_soon_threadsafe(self._track_coroutine_origins, enabled)

    def _track_coroutine_origins(self, enabled: bool) -> None:
        if bool(enabled) == (self._origin_tracking is not None):
            return
        if enabled:
            self._origin_tracking = sys.get_coroutine_origin_tracking_depth()
            sys.set_coroutine_origin_tracking_depth(_ORIGIN_DEPTH)
        elif self._origin_tracking is not None:
            sys.set_coroutine_origin_tracking_depth(self._origin_tracking)
            self._origin_tracking = None

    def _asyncgen_first_iterated(self, agen: AsyncGenerator[Any, Any]) -> None:
        if self._asyncgens_shut:
            warnings.warn(
                f"asynchronous generator {agen!r} was scheduled after "
                f"loop.shutdown_asyncgens() call",
                ResourceWarning,
                source=self,
            )
        self._asyncgens.add(agen)

    def _asyncgen_finalized(self, agen: AsyncGenerator[Any, Any]) -> None:
        self._asyncgens.discard(agen)
        if not self.is_closed():
            self.call_soon_threadsafe(self.create_task, agen.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Closes all asynchronous generators that are still open."""
        self._asyncgens_shut = True
        if not len(self._asyncgens):
            return
        closing = list(self._asyncgens)
        self._asyncgens.clear()
        results = await asyncio.gather(*[g.aclose() for g in closing], return_exceptions=True)
        for result, agen in zip(results, closing, strict=True):
            if isinstance(result, Exception):
                self.call_exception_handler(
                    {
                        "message": "an error occurred during closing of "
                        f"asynchronous generator {agen!r}",
                        "exception": result,
                        "asyncgen": agen,
                    }
                )
