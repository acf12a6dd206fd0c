"""`FdWait`: what a green thread waits for when it waits for an fd; to its task it is a future.

It is the fd's watcher too, and so the runnable that the poll queues: when its turn comes it steps
the task itself. A wait so takes neither a future nor a handle nor a turn of the loop more.
Once anybody has named a priority, the wake-up passes through the run queue at the task's priority.

Invariant: a wait ends once, with whatever comes first: readiness, time-out, cancellation or the
fd's close. It only tells that the fd is ready; whoever waited reads then, in the green thread. So
none of these loses a byte to another.
"""

import os
from asyncio import CancelledError, events
from errno import EBADF

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import (
    PyContext_Enter,
    PyContext_Exit,
    PyObject_CallOneArg,
    PyThread_get_thread_ident,
)
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, LOW_LEVEL, URGENT_LEVEL
from cython.cimports.mainspring.core.poller import READ
from cython.cimports.mainspring.core.priority import is_any_named
from cython.cimports.mainspring.core.watching import CallbackWatcher, WatchScheduler
from cython.cimports.mainspring.green.call import wait_in_current

from mainspring.green.other_loops import wait_on_other_loop

Pointer = cython.typedef(cython.pointer(PyObject))

GET_RUNNING_LOOP = events._get_running_loop


@cython.final
@cython.cclass
class FdWait(CallbackWatcher):
    """One green thread's wait for one fd; it serves again for the next."""

    def run(self):
        self.ready = 0
        if self.outcome != WAITING:
            # Registered for a call that hasn't come.
            return self.leave()
        self.outcome = READY
        if is_any_named:
            return self.wake_soon()
        return self.wake_now()

    def wait(self, loop: WatchScheduler, fd: cython.int, interest: cython.int, timeout):
        """Has the current green call wait until the fd is ready, or something else comes first.

        Parameters:
            loop: the loop that runs here.
            fd: the fd; if this object is registered already, for the same.
            interest: READ or WRITE.
            timeout: seconds; negative for none.

        Returns:
            READY, EXPIRED or CLOSED; the wait must be ended with `end`.
        """
        timer = None
        self.begin(loop, fd, interest)
        try:
            if timeout >= 0:
                timer = loop.call_later(timeout, self._expire)
            Py_DECREF(cython.cast(object, wait_in_current(cython.cast(Pointer, self))))
        except BaseException:
            self.outcome = CANCELLED
            self.end(False)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return self.outcome

    def begin(self, loop: WatchScheduler, fd: cython.int, interest: cython.int):
        if self.interest == 0:
            if loop.is_shut:
                raise RuntimeError("Event loop is closed")
            loop.check_free(fd)
            self.loop = loop
            self.fd = fd
            loop.fds.add(self, interest)
        self.is_spare = False
        # Once priorities are named this only queues the wake-up, which then has the task's own.
        self.base_level = URGENT_LEVEL if is_any_named else DEFAULT_LEVEL
        self.message = None
        self.outcome = WAITING
        self.is_blocking = True
        return 0

    def end(self, is_kept: cython.bint):
        """Lets go of the task.

        Parameters:
            is_kept: True to stay registered for the next wait for the same.
        """
        self.outcome = SPARE
        if is_kept and self.prev == cython.NULL:
            self.is_spare = True
        else:
            self.leave()
        if not cython.cast(WatchScheduler, self.loop).is_debug:
            # In debug mode a step that took long is named by it.
            self.callback = None
        self.context = None
        return 0

    def leave(self):
        """Takes this watcher away from its fd."""
        if self.interest != 0:
            cython.cast(WatchScheduler, self.loop).fds.remove(self)
        return 0

    def close(self):
        """Tells that the fd is about to be closed: whoever waits gets EBADF."""
        loop: WatchScheduler = self.loop
        if loop is None or loop.is_shut or (self.interest == 0 and self.outcome != WAITING):
            return 0
        if loop.thread != 0 and loop.thread != PyThread_get_thread_ident():
            loop.call_soon_threadsafe(self._close)
        else:
            self._close()
        return 0

    def _close(self):
        self.leave()
        if self.outcome == WAITING:
            self.outcome = CLOSED
            self.wake_soon()

    def _expire(self):
        if self.outcome == WAITING:
            self.outcome = EXPIRED
            self.wake_soon()

    def wake_soon(self):
        if self.callback is not None:
            self.loop.call_soon(self.callback, self, context=self.context)
        return 0

    def wake_now(self):
        result: Pointer
        callback = self.callback
        context = self.context
        if callback is None:
            return 0
        if PyContext_Enter(context) < 0:
            return self.fail()
        result = PyObject_CallOneArg(callback, self)
        PyContext_Exit(context)
        if result == cython.NULL:
            return self.fail()
        Py_DECREF(cython.cast(object, result))
        return 0

    # What a task asks of a future.

    @property
    def _asyncio_future_blocking(self):
        return self.is_blocking

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, value):
        self.is_blocking = value

    def get_loop(self):
        return self.loop

    def add_done_callback(self, callback, *, context=None):
        self.callback = callback
        self.context = context
        if self.outcome != WAITING:
            self.wake_soon()

    def remove_done_callback(self, callback):
        if self.callback != callback:
            return 0
        self.callback = None
        return 1

    def done(self):
        return self.outcome != WAITING

    def cancelled(self):
        return self.outcome == CANCELLED

    def cancel(self, msg=None):
        if self.outcome != WAITING:
            return False
        self.outcome = CANCELLED
        self.message = msg
        self.wake_soon()
        return True

    def result(self):
        if self.outcome == CANCELLED:
            raise CancelledError() if self.message is None else CancelledError(self.message)

    def exception(self):
        return self.result()

    def __repr__(self):
        direction = "reading" if self.interest & READ else "writing"
        return f"<wait for fd {self.fd}, {direction}>"


def let_others_run():
    """Has the current green call go on after what is ready."""
    Py_DECREF(cython.cast(object, wait_in_current(cython.cast(Pointer, None))))
    return 0


def slice_is_over(loop: WatchScheduler):
    """Returns True when what runs now has had the quantum of its batch.

    A green thread whose socket is always ready never waits, and must let others run all the same.
    """
    quantum: cython.ulonglong = loop.quantum if loop.batch_level < LOW_LEVEL else loop.low_quantum
    return loop.clock.ticks() - loop.batch_began > quantum


def wait_for_fd(fd: cython.int, interest: cython.int, timeout: cython.double = -1.0):
    """Has the current green call wait until an fd is ready.

    Parameters:
        fd: the fd.
        interest: 1 to read, 2 to write.
        timeout: seconds; negative for none.

    Returns:
        True when it is ready, False when the time is over.

    Raises:
        OSError: the fd can't be waited for (PermissionError: it is a regular file).
        RuntimeError: it belongs to a transport.
    """
    loop = GET_RUNNING_LOOP()
    if not isinstance(loop, WatchScheduler):
        return wait_on_other_loop(loop, fd, interest, timeout)
    wait: FdWait = FdWait.__new__(FdWait)
    outcome: Outcome = wait.wait(loop, fd, interest, timeout)
    wait.end(False)
    if outcome == CLOSED:
        raise OSError(EBADF, os.strerror(EBADF))
    return outcome == READY
