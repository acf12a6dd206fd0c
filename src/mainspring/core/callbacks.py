"""`CallbackScheduler`: asyncio's `call_*` family on the scheduler, and `call_idle`.

These run once per callback, so they are compiled. A callback that can't work is refused here, where
the mistake is, and not when it is its turn.
"""

import asyncio
import inspect
import sys
from asyncio.format_helpers import extract_stack

import cython
from cython.cimports.mainspring.core.capi import (
    PyContext_CopyCurrent,
    PyThread_get_thread_ident,
)
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL
from cython.cimports.mainspring.core.observed import ObservedScheduler
from cython.cimports.mainspring.core.phases import Phases
from cython.cimports.mainspring.core.priority import is_any_named, level_in, level_of
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.scheduler import SPARE_TAKE
from cython.cimports.mainspring.core.threadsafe import ThreadSafeHandle
from cython.cimports.mainspring.core.timers import IdleHandle, TimerHandle

CLOSED = "Event loop is closed"


class CallbackScheduler(ObservedScheduler):
    """A scheduler that takes callbacks."""

    def call_soon(self, callback, *args, context=None, priority=None):
        """Queues a callback for the next iteration.

        Parameters:
            callback: what to call, with `args`.
            context: the `contextvars.Context` to call it in; a copy of the current one by default.
            priority: a `Priority`; by default the one that the context names.

        Returns:
            An `asyncio.Handle`, by which the callback can be cancelled.

        Raises:
            RuntimeError: the loop is closed.
            TypeError: the callback can't be called, or is a coroutine function.
            ValueError: `priority` is not one of the five.
        """
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, "call_soon")
        if context is None:
            context = PyContext_CopyCurrent()
        handle: Runnable = _new_handle(self, callback, args, context)
        if self.is_debug:
            self._check_thread()
            self.check_debug(handle, callback, "call_soon")
        if priority is not None:
            self.queue.push(handle, level_of(priority))
        elif is_any_named:
            self.queue_unsaid(handle)
        else:
            self.queue.push(handle, DEFAULT_LEVEL)
        return handle

    def call_soon_threadsafe(self, callback, *args, context=None, priority=None):
        """Queues a callback from any thread, and wakes the loop if it sleeps.

        Parameters, result and errors are those of `call_soon`.
        """
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, "call_soon_threadsafe")
        if context is None:
            context = PyContext_CopyCurrent()
        level: cython.int = DEFAULT_LEVEL if priority is None else level_of(priority)
        if self.thread == PyThread_get_thread_ident():
            handle: Runnable = _new_handle(self, callback, args, context)
            if self.is_debug:
                self.check_debug(handle, callback, "call_soon_threadsafe")
            if priority is None and is_any_named:
                self.queue_unsaid(handle)
            else:
                self.queue.push(handle, level)
            return handle
        sent: ThreadSafeHandle = ThreadSafeHandle.__new__(ThreadSafeHandle)
        sent.loop = self
        sent.callback = callback
        sent.args = args
        sent.context = context
        if self.is_debug:
            self.check_debug(sent, callback, "call_soon_threadsafe")
        if priority is None and is_any_named:
            level = self.level_for(sent)
        if self.thread == 0:
            # Nothing runs; the order is that of the calls, whatever thread they come from.
            self.queue.push(sent, level)
        else:
            self.inbox.post(sent, level)
        return sent

    def call_later(self, delay, callback, *args, context=None, priority=None):
        """Queues a callback once `delay` seconds have passed, never earlier.

        Returns:
            An `asyncio.TimerHandle`, by which the callback can be cancelled.

        Raises:
            RuntimeError: the loop is closed.
            TypeError: the callback can't be called; `delay` is not a number.
            ValueError: `delay` is not a number (NaN); `priority` is not one of the five.
        """
        if delay is None:
            raise TypeError("delay must not be None")
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, "call_later")
        when: cython.double = self.clock.now() / 1e9 + as_double(delay)
        return self.start_timer(when, callback, args, context, priority, "call_later")

    def call_at(self, when, callback, *args, context=None, priority=None):
        """Queues a callback when `loop.time()` has reached `when` (seconds), never earlier.

        Result and errors are those of `call_later`.
        """
        if when is None:
            raise TypeError("when cannot be None")
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, "call_at")
        return self.start_timer(when, callback, args, context, priority, "call_at")

    def call_idle(self, callback, *args, timeout=None, context=None):
        """Queues a callback for when nothing else can run.

        The loop looks at the sockets before each idle callback and runs one at a time, so idle work
        delays I/O by one callback at most.

        Parameters:
            callback: what to call, with `args`.
            timeout: seconds after which the callback runs at DEFAULT; None to wait for idleness
                however long that takes.
            context: the `contextvars.Context` to call it in; a copy of the current one by default.

        Returns:
            An `asyncio.Handle`, by which the callback can be cancelled.

        Raises:
            RuntimeError: the loop is closed.
            TypeError: the callback can't be called.
        """
        if self.is_shut:
            raise RuntimeError(CLOSED)
        if not is_callback(callback):
            refuse(callback, "call_idle")
        handle: Runnable
        timer: IdleHandle
        if timeout is None:
            if context is None:
                context = PyContext_CopyCurrent()
            handle = _new_handle(self, callback, args, context)
        else:
            timer = IdleHandle.__new__(IdleHandle)
            _fill_timer(timer, self, self.clock.now() / 1e9 + timeout, callback, args, context)
            timer.due_level = DEFAULT_LEVEL
            handle = timer
        if self.is_debug:
            self._check_thread()
            self.check_debug(handle, callback, "call_idle")
        self.queue.push(handle, IDLE_LEVEL)
        if timeout is not None:
            self.timers.push(timer)
        return handle

    def level_for(self, handle: Runnable):
        """Returns the level of a handle for which none was said; an overrider may own it."""
        return level_in(handle.context)

    def queue_unsaid(self, handle: Runnable):
        """Queues a handle for which no priority was said."""
        level: cython.int = self.level_for(handle)
        if self.is_continuing and level == self.batch_level:
            self.queue.push_before_new(handle, level, self.batch_limit)
        else:
            self.queue.push(handle, level)
        self.is_continuing = False
        return 0

    def time(self):
        """Returns the loop's time: seconds of a clock that never goes back."""
        return self.clock.now() / 1e9

    def stop(self):
        """Ends `run_forever` after the iteration that runs."""
        self.is_stopping = True

    def is_closed(self):
        """Returns True when `close()` was called."""
        return self.is_shut

    def is_running(self):
        """Returns True while `run_forever` or `run_until_complete` runs, in whatever thread."""
        return self.thread != 0

    def set_debug(self, enabled):
        """Switches debug mode."""
        self.is_debug = bool(enabled)
        self.observe()

    def get_debug(self):
        """Returns True in debug mode."""
        return self.is_debug

    def start_timer(self, when: cython.double, callback, args, context, priority, method: str):
        """Makes a timer and puts it into the heap; what `call_later` and `call_at` share."""
        timer: TimerHandle = TimerHandle.__new__(TimerHandle)
        _fill_timer(timer, self, when, callback, args, context)
        if self.is_debug:
            self._check_thread()
            self.check_debug(timer, callback, method)
        timer.due_level = level_in(timer.context) if priority is None else level_of(priority)
        self.timers.push(timer)
        return timer

    def _begin_running(self):
        """Takes the calling thread for the loop's own."""
        self.thread = PyThread_get_thread_ident()
        self.gate.begin()
        self.statistics.begin_running(self.clock.ticks())

    def _end_running(self):
        """Forgets the loop's thread, and that it was to stop."""
        phases: Phases = self.phases
        self.statistics.end_running(self.clock.ticks())
        self.thread = 0
        self.is_stopping = False
        self.gate.end()
        while phases is not None:
            phases.end_run()
            phases = phases.following

    @property
    def _thread_id(self):
        return self.thread or None

    def _check_closed(self):
        if self.is_shut:
            raise RuntimeError(CLOSED)

    def check_debug(self, handle, callback, method: str):
        if inspect.iscoroutinefunction(callback):
            raise TypeError(_coroutine_refused(callback, method))
        cython.cast(Runnable, handle).source_traceback = extract_stack(sys._getframe(0))
        return 0

    def _check_thread(self):
        if self.thread != 0 and self.thread != PyThread_get_thread_ident():
            raise RuntimeError(
                "Non-thread-safe operation invoked on an event loop other than the current one; "
                "from another thread use call_soon_threadsafe()"
            )


@cython.cfunc
@cython.inline
def _new_handle(scheduler: CallbackScheduler, callback, args, context) -> Runnable:
    """Returns a handle that is not queued yet."""
    handle: Runnable
    if scheduler.spare is not None:
        handle = SPARE_TAKE(scheduler)
    else:
        handle = Runnable.__new__(Runnable)
    handle.loop = scheduler
    handle.callback = callback
    handle.args = args
    handle.context = context
    return handle


@cython.cfunc
@cython.inline
@cython.exceptval(-1)
def _fill_timer(
    timer: TimerHandle, loop, when: cython.double, callback, args, context
) -> cython.int:
    if when != when:
        raise ValueError("a timer's time must be a number of seconds, not NaN")
    timer.loop = loop
    timer.callback = callback
    timer.args = args
    timer.context = PyContext_CopyCurrent() if context is None else context
    timer.when_seconds = when
    return 0


def refuse(callback, method: str):
    """Raises the TypeError that tells why something is no callback."""
    if is_coroutine_function(callback) or asyncio.iscoroutine(callback):
        raise TypeError(_coroutine_refused(callback, method))
    raise TypeError(
        f"a callable object was expected by {method}(), got {callback!r}; "
        f"pass the function itself, and its arguments after it"
    )


def _coroutine_refused(callback, method):
    return (
        f"coroutines cannot be used with {method}(), got {callback!r}; "
        f"use create_task() to run a coroutine"
    )
