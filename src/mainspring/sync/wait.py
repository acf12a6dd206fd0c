"""`Wait`: one wait for a primitive, by whoever it may be.

To a task it is a coroutine, begun when it is first awaited: it tries; else it stands in the list of
its primitive, and the task is suspended on a future of its own loop. `block` does the same for an
OS thread with an OS-level lock, and needs no loop. A callback stands in the list as well.

The invariant: what a primitive hands over lies in the `Wait` (GIVEN) until its task or thread goes
on. If that ends instead (it was cancelled, killed, interrupted, or its loop was closed), the wait
gives it back, and so nothing is lost. To try and to join the list are one step that no other thread
comes between: compiled code that calls no Python keeps the GIL all along.
"""

import _thread
import time
import types
import warnings
from asyncio import events, tasks

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.core.capi import (
    Py_NewRef,
    PyContext_CopyCurrent,
    PyErr_SetRaisedException,
    PyThread_get_thread_ident,
)
from cython.cimports.mainspring.core.priority import is_any_named, level_in
from cython.cimports.mainspring.loop.iterators import (
    PYGEN_ERROR,
    PYGEN_NEXT,
    PYGEN_RETURN,
    answer,
    as_exception,
)
from cython.cimports.mainspring.loop.step_slots import install_slots
from cython.cimports.mainspring.sync.forks import age
from cython.cimports.mainspring.sync.waiters import (
    CLOSED,
    EXPIRED,
    GIVEN,
    NEW,
    WAITING,
    State,
    Waiter,
)

Pointer = cython.typedef(cython.pointer(PyObject))

# The interpreter's own, whatever becomes of the name.
allocate_lock = cython.declare(object, _thread.allocate_lock)


class Wait(Waiter):
    """An operation that may have to wait: an awaitable, and a coroutine.

    In a coroutine `await` it, in a green thread `await_` it; in an OS thread `await_` it, or call
    its `block`. It serves once.
    """

    # What a primitive says of the wait for it. Those marked so must not call any Python.

    def attempt(self):
        """Tries at once (no Python). Returns True when there is nothing to wait for."""
        return False

    def enlist(self):
        """Joins a list, after an attempt in vain (no Python)."""
        return 0

    def enlisted(self):
        """Called after that; it may have been given something already."""
        return 0

    def finish(self):
        """Called when the waiter goes on. Returns True if that was all, False to wait again."""
        self.end_loan()
        return True

    def fail(self, error):
        """Called when an exception ends the wait.

        Returns True to have it raised now, False to wait on for what must be had first.
        """
        state: State = self.state
        self.state = CLOSED
        if state == WAITING:
            if self.waiters is not None:
                self.waiters.remove(self)
            self.end_loan()
        elif state == GIVEN:
            self.end_loan()
            self.give_back()
        return True

    def give_back(self):
        """Hands what it was given to others."""
        return 0

    def expire_now(self):
        """Ends the wait without a result, if it still waits."""
        if self.state == WAITING and self.waiters is not None:
            self.waiters.remove(self)
            self.state = EXPIRED
            self.is_late = True
            self.wake()
        return 0

    def name(self):
        """Returns what was called."""
        return type(self).__name__

    # What is the same for all waits.

    def begin(self, is_thread: cython.bint):
        """Tries, and joins the list if that is in vain. Returns True if there is no need to."""
        if self.attempt():
            return True
        if is_thread:
            self.block_lock = allocate_lock()
            self.block_lock.acquire()
        else:
            self.loop = events.get_running_loop()
            self.task = tasks.current_task(self.loop)
            if self.task is not None:
                self.context = self.task.get_context()
        self.thread = PyThread_get_thread_ident()
        self.age = age
        if is_any_named and self.context is None:
            self.level = level_in(PyContext_CopyCurrent())
        # Once more, because to prepare for it may have taken a while.
        if self.attempt():
            return True
        self.state = WAITING
        self.enlist()
        self.enlisted()
        return False

    def go_on(self, error):
        """Begins, or goes on after `suspend`, with an exception or None."""
        if self.state == NEW:
            if error is not None:
                self.state = CLOSED
                self.error = error
                return HAS_FAILED
            self.state = CLOSED
            if self.begin(False):
                return IS_OVER if self.error is None else HAS_FAILED
        elif self.state == CLOSED:
            if error is None:
                raise RuntimeError(f"cannot reuse {self!r}: it was awaited already")
            self.error = error
            return HAS_FAILED
        elif error is not None:
            if self.fail(error):
                self.state = CLOSED
                self.future = None
                self.error = error
                return HAS_FAILED
        elif self.state == WAITING and self.future is not None and not self.future.done():
            raise RuntimeError(f"{self!r} is being awaited already")
        while not self.suspend():
            if self.finish():
                self.state = CLOSED
                self.future = None
                return IS_OVER if self.error is None else HAS_FAILED
        return MUST_WAIT

    def suspend(self):
        """Makes the future to wait for; returns False if there is nothing to wait for any more."""
        if self.state != WAITING:
            return False
        self.future = None
        future = self.loop.create_future()
        self.future = future
        if self.state != WAITING:
            return False
        future._asyncio_future_blocking = True
        return True

    def block_thread(self, timeout):
        """Has this OS thread wait. Returns False if the time was over first."""
        deadline: object = None
        left: object
        if self.state != NEW:
            raise RuntimeError(f"cannot reuse {self!r}: it was awaited already")
        self.state = CLOSED
        is_over = self.begin(True)
        if timeout is not None and not is_over:
            deadline = time.monotonic() + timeout
        while not is_over:
            if self.state == WAITING:
                try:
                    left = -1 if deadline is None else max(deadline - time.monotonic(), 0)
                    if not self.block_lock.acquire(True, left):
                        deadline = None
                        self.expire_now()
                except BaseException as exc:
                    if self.fail(exc):
                        self.state = CLOSED
                        raise
            else:
                is_over = self.finish()
        self.state = CLOSED
        if self.error is not None:
            error = self.error
            self.error = None
            raise error
        return not self.is_late

    def block(self, timeout=None):
        """Blocks this OS thread until there is a result.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.

        Returns:
            The result.

        Raises:
            RuntimeError: a loop runs in this thread, and would stop.
            TimeoutError: the time is over.
        """
        if events._get_running_loop() is not None:
            raise RuntimeError(f"{self!r} would block the thread of a running loop: await it")
        if not self.block_thread(timeout):
            raise TimeoutError(f"{self!r} has waited for {timeout} seconds")
        return self.result

    def expire(self):
        """Called by a timer: the time is over."""
        self.expire_now()

    @classmethod
    def __class_getitem__(cls, item):
        return types.GenericAlias(cls, item)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return answer(step, self, None, None)

    def send(self, value):
        """Begins, or goes on; as a coroutine's `send`."""
        return answer(step, self, None, None)

    def throw(self, typ, value=None, traceback=None):
        """Ends the wait with an exception; as a coroutine's `throw`."""
        return answer(step, self, None, as_exception(typ, value, traceback))

    def close(self):
        """Ends the wait, and gives back what it was given."""
        if self.state == NEW:
            self.state = CLOSED
        elif self.state != CLOSED:
            self.fail(GeneratorExit())
            self.state = CLOSED

    def __del__(self):
        if self.state == NEW:
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, source=self)
        elif self.state != CLOSED:
            self.close()

    def __getattr__(self, name):
        # Cython has no properties of these names.
        if name == "__name__" or name == "__qualname__":
            return self.name()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def cr_await(self):
        return self.future

    @property
    def cr_running(self):
        return False

    @property
    def cr_frame(self):
        return None

    @property
    def cr_code(self):
        return None

    def __repr__(self):
        return f"<{self.name()}() at {id(self):#x}>"


def step(pointer, sent, error, result):
    """Steps a wait; step_slots.h says what it takes and returns."""
    wait: Wait = cython.cast(Wait, pointer)
    progress: Progress
    try:
        progress = wait.go_on(None if error == cython.NULL else cython.cast(object, error))
    except BaseException as exc:
        PyErr_SetRaisedException(Py_NewRef(exc))
        return PYGEN_ERROR
    if progress == MUST_WAIT:
        result[0] = Py_NewRef(wait.future)
        return PYGEN_NEXT
    if progress == IS_OVER:
        result[0] = Py_NewRef(wait.result)
        wait.result = None
        return PYGEN_RETURN
    PyErr_SetRaisedException(Py_NewRef(wait.error))
    wait.error = None
    return PYGEN_ERROR


install_slots(Wait, step)
