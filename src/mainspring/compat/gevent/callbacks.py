"""`CallbackQueue`: what gevent's `run_callback` leaves, in one line of its own on the run queue.

gevent runs such callbacks in order until none is left, those included that they add, for as long
as a switch interval. That makes a switch between greenlets cheap, and programs count on the order.
(gevent reads the clock after every fiftieth, so fifty long ones are run without a poll; ours costs
little enough to be read after each.) It holds here as long as nothing else is ready: beside
coroutines the queue ends its turn with the callbacks that stood there when it began, and beside
anything more urgent at once.
"""

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import (
    PyErr_GetRaisedException,
    PyObject_Vectorcall,
    tuple_items,
    tuple_size,
)
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.watching import WatchScheduler

ABOVE_DEFAULT = cython.declare(cython.uint, (1 << DEFAULT_LEVEL) - 1)


class callback:  # gevent's name
    """A function that is to run soon; true until it has run or was stopped."""

    def __init__(self, callback, args):
        self.callback = callback
        self.args = args

    @property
    def pending(self):
        """True until the function has run or was stopped."""
        return self.callback is not None

    def stop(self):
        """Sees to it that the function doesn't run; does nothing once it has."""
        self.callback = None
        self.args = None

    def close(self):
        """Does what `stop` does."""
        self.callback = None
        self.args = None

    def __bool__(self):
        # By the arguments, which are there until the function has returned.
        return self.args is not None

    def __repr__(self):
        text = f"<{type(self).__name__} at {id(self):#x}"
        if self.callback is not None:
            text += f" pending callback={self.callback!r}"
        if self.args is not None:
            text += f" args={self.args!r}"
        if self.callback is None and self.args is None:
            text += " stopped"
        return text + ">"


class CallbackQueue(Runnable):
    """The callbacks of one loop; stands on the run queue while there are any."""

    def add(self, function, args):
        """Adds a callback, from any thread that has the GIL."""
        added: callback = callback.__new__(callback)
        added.callback = function
        added.args = args
        if self.last is None:
            self.first = added
        else:
            self.last.next = added
        self.last = added
        if self.prev == cython.NULL and not self.is_taking:
            self.scheduler.queue.push(self, DEFAULT_LEVEL)
        return added

    def run(self):
        scheduler: WatchScheduler = self.scheduler
        began: cython.ulonglong = scheduler.clock.ticks()
        stop_at: callback = self.last
        taken: callback
        self.is_taking = True
        try:
            while self.first is not None:
                taken = self.first
                self.first = taken.next
                if self.first is None:
                    self.last = None
                taken.next = None
                if taken.callback is not None:
                    self.call(taken)
                if (scheduler.queue.mask | scheduler.inbox.mask) & ABOVE_DEFAULT:
                    if scheduler.queue.has_above(DEFAULT_LEVEL) or scheduler.inbox.has_above(
                        DEFAULT_LEVEL
                    ):
                        break
                if taken is stop_at:
                    if scheduler.queue.first(DEFAULT_LEVEL) is not None:
                        break
                    stop_at = self.last
                if scheduler.clock.ticks() - began > scheduler.quantum:
                    break
        finally:
            self.is_taking = False
            if self.first is not None and self.prev == cython.NULL:
                scheduler.queue.push(self, DEFAULT_LEVEL)
        return 0

    def call(self, taken: callback):
        """Calls a callback; what it raises goes to the loop's error handler."""
        function = taken.callback
        args = taken.args
        taken.callback = None
        result: cython.pointer(PyObject) = PyObject_Vectorcall(
            function, tuple_items(args, 0), tuple_size(args), cython.NULL
        )
        if result == cython.NULL:
            self.fail_for(taken)
        else:
            Py_DECREF(cython.cast(object, result))
        taken.args = None
        return 0

    def fail_for(self, taken: callback):
        """Reports the exception that a callback has raised."""
        self.report(taken, PyErr_GetRaisedException())
        return 0

    def count(self):
        """Returns how many callbacks wait, by counting them."""
        found: cython.Py_ssize_t = 0
        waiting: callback = self.first
        while waiting is not None:
            found += 1
            waiting = waiting.next
        return found

    def clear(self):
        """Drops all callbacks that wait."""
        dropped: callback
        while self.first is not None:
            dropped = self.first
            self.first = dropped.next
            dropped.next = None
        self.last = None
        return 0

    def _describe_callback(self):
        return "gevent's callbacks"
