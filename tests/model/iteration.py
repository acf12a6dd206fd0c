"""The normative iteration on asyncio's own selector loop, in plain Python.

This is the reference for the compiled loop: short enough to check by eye against the design's
text ("One iteration"), and a loop that passes what asyncio's selector loop passes. Everything
that isn't scheduling (transports, sockets, signals, subprocesses) is asyncio's. The invariant:
no callback runs while a more urgent one is known to the loop, except to finish a batch during
`stop()` and to honour `max_wait`.
"""

import asyncio
import heapq
import threading
import time
import weakref
from asyncio import base_events, events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

from .counts import Counts
from .run_queue import Priority, RunQueue

# 3.14 and newer: a handle that another thread may cancel while it runs
ThreadSafeHandle = getattr(events, "_ThreadSafeHandle", events.Handle)

current_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.DEFAULT)


@contextmanager
def priority(level: Priority) -> Iterator[None]:
    """Sets the priority of what the block schedules without naming one."""
    token = current_priority.set(Priority(level))
    try:
        yield
    finally:
        current_priority.reset(token)


def task_of(callback: Any) -> asyncio.Task[Any] | None:
    """Returns the task if `callback` is its step or its wake-up, else None.

    `task.cancel` is bound to a task too, but is a plain callback: only these names are steps.
    """
    owner = getattr(callback, "__self__", None)
    if not isinstance(owner, asyncio.Task):
        return None
    name = getattr(callback, "__name__", type(callback).__name__)
    steps = ("TaskStepMethWrapper", "task_wakeup", "__step", "__wakeup")
    return owner if name in steps else None


class ModelLoop(asyncio.SelectorEventLoop):
    """asyncio's selector loop with the prioritised iteration.

    Args:
        selector: a `selectors.BaseSelector`, or None for the platform's own.
        clock: a function that returns seconds, monotonic.
    """

    quantum = 0.005
    low_quantum = 0.0002
    max_wait = 1.0

    def __init__(self, selector: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue = RunQueue()
        self._counts = Counts()
        self._timers: list[tuple[float, int, asyncio.Handle, Priority | None]] = []
        self._arrivals = 0
        self._inbox: deque[tuple[asyncio.Handle, Priority]] = deque()
        self._polled = self._low_released = clock()
        self._watch_priority: weakref.WeakKeyDictionary[Any, Priority] = weakref.WeakKeyDictionary()
        self._task_priority: weakref.WeakKeyDictionary[Any, Priority] = weakref.WeakKeyDictionary()
        super().__init__(selector)

    def time(self) -> float:
        return self._clock()

    # -- one iteration ------------------------------------------------------------------

    def _run_once(self) -> None:
        self._iterate(self._timeout())

    def _iterate(self, timeout: float | None) -> int:
        """Runs steps 2 to 4 and returns the number of callbacks that ran."""
        self._counts.iterations += 1
        self._poll(timeout)
        level = self._queue.highest()
        if level is None:
            return 0
        if level < Priority.LOW and self._low_is_overdue():
            self._low_released = self._polled
            self._counts.low_forced += 1
            self._run_next(Priority.LOW)
            return 1
        if level is Priority.IDLE:
            self._run_next(level)
            return 1
        return self._run_batch(level)

    def _poll(self, timeout: float | None) -> None:
        """Steps 2 and 3. A function of its own, so that no event outlives it in a local."""
        events_ready = self._selector.select(timeout)
        self._polled = self.time()
        while self._inbox:
            handle, level = self._inbox.popleft()
            self._queue.push(handle, level, self._polled)
        self._process_events(events_ready)
        self._queue_due_timers()

    def _timeout(self) -> float | None:
        if len(self._queue) or self._inbox or self._stopping:
            return 0
        while self._timers and not self._still_wanted(self._timers[0]):
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        wait = self._timers[0][0] - self.time()
        return min(max(wait, 0), base_events.MAXIMUM_SELECT_TIMEOUT)

    def _run_batch(self, level: Priority) -> int:
        batch_end, ran = self._queue.next_serial, 0
        quantum = self.low_quantum if level is Priority.LOW else self.quantum
        while self._queue.has_before(batch_end, level):
            self._run_next(level)
            ran += 1
            if self._stopping and level <= Priority.DEFAULT:
                continue
            if not self._queue.has_before(batch_end, level):
                break
            reason = self._reason_to_stop(level, quantum)
            if reason is not None:
                self._counts.early_stops[reason] += 1
                break
        return ran

    def _reason_to_stop(self, level: Priority, quantum: float) -> str | None:
        highest = self._queue.highest()
        if highest is not None and highest < level:
            return "callback"
        if any(p < level and not h.cancelled() for h, p in tuple(self._inbox)):
            return "thread"
        return "quantum" if self.time() - self._polled > quantum else None

    def _run_next(self, level: Priority) -> None:
        oldest, began = self._queue.head(level), self.time()
        self._counts.runs[level] += 1
        self._counts.add_wait(level, began - oldest.since)
        self._run(self._queue.pop(level))
        self._counts.run_time[level] += self.time() - began

    def _low_is_overdue(self) -> bool:
        oldest = self._queue.head(Priority.LOW)
        if oldest is None:
            return False
        return self._polled - max(oldest.since, self._low_released) > self.max_wait

    def _queue_due_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self._polled:
            entry = heapq.heappop(self._timers)
            _, _, handle, level = entry
            if not self._still_wanted(entry):
                continue
            if level is None:  # the timeout of an idle call
                self._counts.idle_timeouts += 1
                self._queue.move(handle, Priority.DEFAULT, self._polled)
            else:
                handle._scheduled = False
                self._queue.push(handle, level, self._polled)

    def _still_wanted(self, entry: tuple[float, int, asyncio.Handle, Priority | None]) -> bool:
        _, _, handle, level = entry
        if handle.cancelled():
            return False
        return level is not None or self._queue.level_of(handle) is Priority.IDLE

    def _run(self, handle: asyncio.Handle) -> None:
        if not self.get_debug():
            handle._run()
            return
        began = self.time()
        self._current_handle = handle
        try:
            handle._run()
        finally:
            self._current_handle = None
        took = self.time() - began
        if took >= self.slow_callback_duration:
            shown = base_events._format_handle(handle)
            base_events.logger.warning("Executing %s took %.3f seconds", shown, took)

    def step(self) -> int:
        """Runs one iteration that never blocks.

        Returns:
            The number of callbacks that ran.

        Raises:
            RuntimeError: the loop is closed or running, or another loop runs in this thread.
        """
        self._check_closed()
        self._check_running()
        self._thread_id = threading.get_ident()
        events._set_running_loop(self)
        try:
            return self._iterate(0)
        finally:
            self._thread_id = None
            events._set_running_loop(None)

    def counts(self) -> Counts:
        """Returns what the loop has done, and what waits now."""
        for level in Priority:
            self._counts.queued[level] = self._queue.count(level)
        return self._counts

    # -- whose priority -----------------------------------------------------------------

    def _priority_of(self, callback: Any, context: Context, said: Priority | None) -> Priority:
        if said is not None:
            return Priority(said)
        inherited = context.get(current_priority, Priority.DEFAULT)
        task = task_of(callback)
        if task is not None:
            return self._task_priority.setdefault(task, inherited)
        if callback is base_events._run_until_complete_cb:
            return min(inherited, Priority.DEFAULT)
        return inherited

    def _push(self, handle: asyncio.Handle, said: Priority | None = None) -> None:
        level = self._priority_of(handle._callback, handle._context, said)
        self._queue.push(handle, level, self.time())

    # -- asyncio's scheduling methods, with a priority ----------------------------------

    def call_soon(self, callback, *args, context=None, priority=None):
        self._check_closed()
        if self.get_debug():
            self._check_thread()
            self._check_callback(callback, "call_soon")
        return self._call_soon(callback, args, context, priority)

    def _call_soon(self, callback, args, context, priority=None):
        handle = events.Handle(callback, args, self, context)
        self._push(handle, priority)
        return handle

    def call_soon_threadsafe(self, callback, *args, context=None, priority=None):
        self._check_closed()
        if self.get_debug():
            self._check_callback(callback, "call_soon_threadsafe")
        handle = ThreadSafeHandle(callback, args, self, context)
        if self._thread_id in (None, threading.get_ident()):
            self._push(handle, priority)
        else:
            level = self._priority_of(callback, handle._context, priority)
            self._inbox.append((handle, level))
        self._write_to_self()
        return handle

    def call_idle(self, callback, *args, timeout=None, context=None):
        """Runs `callback` when nothing else can run; after `timeout` seconds at DEFAULT.

        Returns:
            An `asyncio.Handle`.
        """
        handle = self.call_soon(callback, *args, context=context, priority=Priority.IDLE)
        if timeout is not None:
            self._add_timer(self.time() + timeout, handle, None)
        return handle

    def call_later(self, delay, callback, *args, context=None, priority=None):
        if delay is None:
            raise TypeError("delay must not be None")
        when = self.time() + delay
        return self.call_at(when, callback, *args, context=context, priority=priority)

    def call_at(self, when, callback, *args, context=None, priority=None):
        if when is None:
            raise TypeError("when must not be None")
        self._check_closed()
        if self.get_debug():
            self._check_thread()
            self._check_callback(callback, "call_at")
        timer = events.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True
        self._add_timer(when, timer, self._priority_of(callback, timer._context, priority))
        return timer

    def _add_timer(self, when: float, handle: asyncio.Handle, level: Priority | None) -> None:
        self._arrivals += 1
        heapq.heappush(self._timers, (when, self._arrivals, handle, level))

    def create_task(self, coro, *, context=None, priority=None, **kwargs):
        """Like asyncio's; `priority` is the task's and, through its context, its children's."""
        if priority is not None:
            context = copy_context() if context is None else context
            context.run(current_priority.set, Priority(priority))
        if context is not None:
            kwargs["context"] = context
        level = current_priority.get() if context is None else context.get(current_priority)
        task = super().create_task(coro, **kwargs)
        if isinstance(task, asyncio.Task):
            self._task_priority.setdefault(task, Priority.DEFAULT if level is None else level)
        return task

    # -- ready I/O and signals ----------------------------------------------------------

    def add_reader(self, fd, callback, *args, priority=None):
        self._ensure_fd_no_transport(fd)
        self._remember(self._add_reader(fd, callback, *args), priority)

    def add_writer(self, fd, callback, *args, priority=None):
        self._ensure_fd_no_transport(fd)
        self._remember(self._add_writer(fd, callback, *args), priority)

    def _remember(self, handle: asyncio.Handle, said: Priority | None) -> None:
        if said is not None:
            self._watch_priority[handle] = Priority(said)

    def _add_callback(self, handle: asyncio.Handle) -> None:
        if handle._callback == self._read_from_self:
            handle._run()  # the loop's own wake-up is part of the poll, not work
        elif not handle.cancelled():
            self._push(handle, self._watch_priority.get(handle))

    def _add_callback_signalsafe(self, handle: asyncio.Handle) -> None:
        self._push(handle, Priority.HIGH)

    def close(self) -> None:
        super().close()
        self._queue.clear()
        self._timers.clear()
        self._inbox.clear()
