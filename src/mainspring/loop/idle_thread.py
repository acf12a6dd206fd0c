"""`IdleThread`: one thread behind the gate, with the system's least claim to a core, and its jobs.

The thread is a `ThreadPoolExecutor` of one, so that starting, handing over, and ending with the
interpreter are the library's. What the pool queues for a job is a turn only; which job has it is
said by the `IdleQueue` when it comes. A job takes the gate's side only while it calls its function
(`IdleCall`); what is done before and after is what any worker thread does.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from mainspring.core.gate import Gate
from mainspring.core.idle_call import IdleCall
from mainspring.core.priority import Priority
from mainspring.loop.home import call_at_home
from mainspring.loop.idle_queue import IdleQueue

__all__ = ["IdleThread"]

_NICE = 19
# What stands in for the gate where nothing is known of the interpreter's GIL: seconds.
_SHORT_SWITCH_INTERVAL = 0.0002


class IdleThread:
    """A thread behind a gate, and the jobs that wait for it.

    Parameters:
        loop: what waits in the thread is served by this loop.
        gate: the loop's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, gate: Gate) -> None:
        self._loop = loop
        self._gate = gate
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "mainspring-idle", _become_nice)
        self._queue = IdleQueue(gate.lift)
        self._running: int | None = None  # the thread's identity while a job runs

    def submit(
        self, function: Callable[..., Any], args: Any, kwargs: Any, may_interrupt: bool
    ) -> "IdleJob":
        """Queues a call; see `Idle.run_idle`."""
        if not callable(function):
            raise TypeError(f"a callable object was expected, got {function!r}")
        call = IdleCall(self._gate, contextvars.copy_context(), function, args, kwargs)
        job = IdleJob(self, call, may_interrupt)
        self._queue.add(job, call)
        try:
            turn = self._pool.submit(self._work)
        except BaseException:
            # The others' turns are as many as they are.
            self._queue.remove(job)
            raise
        turn.add_done_callback(self._drop_with)
        return job

    def urge(self, job: "IdleJob", priority: Priority) -> None:
        """Has a job be as urgent as the tasks that wait for it; IDLE for none."""
        self._queue.urge(job, priority)

    def is_own(self) -> bool:
        """Returns True in a job of this thread."""
        return self._running == threading.get_ident()

    def shutdown(self, wait: bool, cancel_futures: bool = False) -> None:
        """Ends the thread after what is queued, or with `cancel_futures` after what runs."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _drop_with(self, turn: Future[None]) -> None:
        """Cancels a job when a shutdown has dropped a turn: it drops all that are left."""
        if turn.cancelled():
            job, _ = self._queue.take()
            job.cancel()

    def _work(self) -> None:
        job, call = self._queue.take()
        if not job.set_running_or_notify_cancel():
            return
        self._running = threading.get_ident()
        try:
            with _short_switch_interval(self._gate.mode == "none"):
                result = call_at_home(self._loop, call.run, ())
        except BaseException as exc:
            self._end(job)
            job.set_exception(exc)
            # The exception's traceback holds this frame.
            del job
        else:
            self._end(job)
            job.set_result(result)

    def _end(self, job: "IdleJob") -> None:
        self._running = None
        self._queue.end(job)


class IdleJob(Future[Any]):
    """The future of an idle job."""

    def __init__(self, thread: IdleThread, call: IdleCall, may_interrupt: bool) -> None:
        super().__init__()
        self._thread = thread
        self._call = call if may_interrupt else None

    def cancel(self) -> bool:
        if super().cancel():
            return True
        if self._call is not None:
            self._call.interrupt(asyncio.CancelledError)
        return False

    def result(self, timeout: float | None = None) -> Any:
        self._check_waiter()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._check_waiter()
        return super().exception(timeout)

    def _check_waiter(self) -> None:
        if not self.done() and self._thread.is_own():
            raise RuntimeError(
                "an idle job can't wait for another of the same loop: they run one after another, "
                "so it would wait for ever; call the function itself"
            )


_lowered = 0
_former_interval = 0.0
_interval_lock = threading.Lock()


@contextlib.contextmanager
def _short_switch_interval(is_needed: bool) -> Iterator[None]:
    """Has the interpreter switch threads sooner while idle jobs run without a gate."""
    global _lowered, _former_interval
    if not is_needed:
        yield
        return
    with _interval_lock:
        if _lowered == 0:
            _former_interval = sys.getswitchinterval()
            sys.setswitchinterval(min(_former_interval, _SHORT_SWITCH_INTERVAL))
        _lowered += 1
    try:
        yield
    finally:
        with _interval_lock:
            _lowered -= 1
            if _lowered == 0:
                sys.setswitchinterval(_former_interval)


def _become_nice() -> None:
    """Lowers the calling thread's own claim to the processor, for good.

    A thread of the idle policy is preempted the moment any other wakes up on its core. A thread at
    nice 19 may go on until the kernel's next tick, when it has been kept waiting for long (measured
    beside a busy loop on one core: 0.86 of the loop's requests/s with nice 19, 0.98 with both).
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
