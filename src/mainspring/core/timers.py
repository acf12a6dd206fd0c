"""Timers: one binary heap of handles, ordered by time, then by arrival.

A timer is never early: it is due at the first nanosecond at which the loop's `time()`, a float of
seconds, has reached what was asked for. A cancelled timer stays in the heap until it comes up
or until cancelled ones are the majority; only the last leaf goes at once, which makes the common
"schedule a timeout, then cancel it" free of growth. The heap is a list, so that the garbage
collector sees what is pending; it is longer than the heap, and None behind its end.
"""

import asyncio

import cython
from cython.cimports.cpython.list import PyList_GET_SIZE
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF, PyObject
from cython.cimports.mainspring.core.capi import list_items
from cython.cimports.mainspring.core.freelist import keep_freed
from cython.cimports.mainspring.core.runnable import Runnable

COMPACT_ABOVE = cython.declare(cython.Py_ssize_t, 64)
SHORTEN_ABOVE = cython.declare(cython.Py_ssize_t, 1024)
NONE = cython.declare(cython.pointer(PyObject), cython.cast(cython.pointer(PyObject), None))
NEVER = cython.declare(cython.longlong, 0x7FFFFFFFFFFFFFFF)


class _TimerHandle(asyncio.TimerHandle):
    """What `type(handle)` is to `isinstance`: an `asyncio.TimerHandle` that this loop made."""

    __slots__ = ()


_TimerHandle.__name__ = _TimerHandle.__qualname__ = "TimerHandle"


class TimerHandle(Runnable):
    """A callback with a time; asyncio's `TimerHandle` in all but layout."""

    @property
    def __class__(self):
        return _TimerHandle

    def when(self):
        """Returns the time, in seconds of `loop.time()`, at which the callback is due."""
        return self.when_seconds

    def cancel(self):
        """Sees to it that the callback doesn't run; does nothing the second time."""
        if not self.is_cancelled:
            if self.is_scheduled:
                self.heap.discard(self)
            self.drop()

    @property
    def _when(self):
        return self.when_seconds

    @property
    def _scheduled(self):
        return self.is_scheduled

    def __hash__(self):
        return hash(self.when_seconds)

    def __lt__(self, other):
        if isinstance(other, asyncio.TimerHandle):
            return self.when_seconds < other.when()
        return NotImplemented

    def __le__(self, other):
        if isinstance(other, asyncio.TimerHandle):
            return self.when_seconds < other.when() or self == other
        return NotImplemented

    def __gt__(self, other):
        if isinstance(other, asyncio.TimerHandle):
            return self.when_seconds > other.when()
        return NotImplemented

    def __ge__(self, other):
        if isinstance(other, asyncio.TimerHandle):
            return self.when_seconds > other.when() or self == other
        return NotImplemented

    def __eq__(self, other):
        if isinstance(other, asyncio.TimerHandle):
            return (
                self.when_seconds == other.when()
                and self._callback == other._callback
                and self.args == other._args
                and self.is_cancelled == other._cancelled
            )
        return NotImplemented

    def _repr_info(self):
        info = Runnable._repr_info(self)
        info[0] = "TimerHandle"
        info.insert(2 if self.is_cancelled else 1, f"when={self.when_seconds}")
        return info


class IdleHandle(TimerHandle):
    """An idle call with a time limit: queued at IDLE, and in the heap to be moved up when due."""

    def run(self):
        if self.is_scheduled:
            self.heap.discard(self)
        return Runnable.run(self)


class TimerHeap:
    """The pending timers of one loop."""

    def __cinit__(self):
        self.timers = []

    def push(self, timer: TimerHandle):
        """Adds a timer whose time is set."""
        self.arrivals += 1
        timer.arrival = self.arrivals
        timer.heap = self
        timer.is_scheduled = True
        if self.count == PyList_GET_SIZE(self.timers):
            self.timers.append(timer)
        else:
            # The place is None's, which needs no counting.
            Py_INCREF(timer)
            list_items(self.timers)[self.count] = cython.cast(cython.pointer(PyObject), timer)
        self.count += 1
        self.sift_up(self.count - 1)
        return 0

    def first(self):
        """Returns the pending timer that is due first, or None."""
        # A raw pointer: a cancelled timer is to be gone before the next root is looked at, because
        # what is freed with its context may set and cancel timers.
        root: cython.pointer(PyObject)
        while self.count > 0:
            root = list_items(self.timers)[0]
            if cython.cast(TimerHandle, root).is_scheduled:
                return cython.cast(TimerHandle, root)
            self.cancelled -= 1
            self.pop()
        return None

    def pop_due(self, now: cython.longlong):
        """Takes the first timer out and returns it if it is due at `now` or before, else None."""
        timer: TimerHandle = self.first()
        if timer is None or timer.when_seconds > now / 1e9:
            return None
        self.pop()
        timer.is_scheduled = False
        return timer

    def pop(self):
        """Takes the root out of a heap that is not empty."""
        items: cython.pointer(cython.pointer(PyObject)) = list_items(self.timers)
        root: cython.pointer(PyObject) = items[0]
        self.count -= 1
        items[0] = items[self.count]
        items[self.count] = NONE
        if self.count > 1:
            self.sift_down(0)
        Py_DECREF(cython.cast(object, root))
        self.give_back()
        return 0

    def discard(self, timer: TimerHandle):
        """Forgets a pending timer: at once if it is the last leaf, else when it comes up."""
        last: cython.Py_ssize_t = self.count - 1
        timer.is_scheduled = False
        if list_items(self.timers)[last] == cython.cast(cython.pointer(PyObject), timer):
            list_items(self.timers)[last] = NONE
            self.count = last
            Py_DECREF(timer)
            return 0
        self.cancelled += 1
        if self.cancelled > COMPACT_ABOVE and self.cancelled * 2 > self.count:
            self.compact()
        return 0

    def compact(self):
        """Takes the cancelled timers out and makes a heap of the others."""
        # Kept to the end: what frees a timer may be told of it, and make the next one.
        before: list = self.timers
        self.timers = [t for t in before[: self.count] if cython.cast(TimerHandle, t).is_scheduled]
        self.count = PyList_GET_SIZE(self.timers)
        self.cancelled = 0
        index: cython.Py_ssize_t = self.count // 2
        while index > 0:
            index -= 1
            self.sift_down(index)
        return 0

    def give_back(self):
        """Shortens a list that has become much longer than the heap."""
        size: cython.Py_ssize_t = PyList_GET_SIZE(self.timers)
        if size > SHORTEN_ABOVE and self.count * 4 < size:
            del self.timers[self.count * 2 :]
        return 0

    def clear(self):
        """Forgets all timers; none of them runs."""
        timers: list = self.timers
        index: cython.Py_ssize_t
        for index in range(self.count):
            cython.cast(TimerHandle, list_items(timers)[index]).is_scheduled = False
        self.timers = []
        self.count = 0
        self.cancelled = 0

    def sift_up(self, index: cython.Py_ssize_t):
        items: cython.pointer(cython.pointer(PyObject)) = list_items(self.timers)
        moving: cython.pointer(PyObject) = items[index]
        parent: cython.Py_ssize_t
        while index > 0:
            parent = (index - 1) >> 1
            if not _is_before(moving, items[parent]):
                break
            items[index] = items[parent]
            index = parent
        items[index] = moving

    def sift_down(self, index: cython.Py_ssize_t):
        items: cython.pointer(cython.pointer(PyObject)) = list_items(self.timers)
        size: cython.Py_ssize_t = self.count
        moving: cython.pointer(PyObject) = items[index]
        child: cython.Py_ssize_t = 2 * index + 1
        while child < size:
            if child + 1 < size and _is_before(items[child + 1], items[child]):
                child += 1
            if not _is_before(items[child], moving):
                break
            items[index] = items[child]
            index = child
            child = 2 * index + 1
        items[index] = moving


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _is_before(a: cython.pointer(PyObject), b: cython.pointer(PyObject)) -> cython.bint:
    one: TimerHandle = cython.cast(TimerHandle, a)
    other: TimerHandle = cython.cast(TimerHandle, b)
    if one.when_seconds != other.when_seconds:
        return one.when_seconds < other.when_seconds
    return one.arrival < other.arrival


def to_nanoseconds(seconds: cython.double):
    """Returns the first nanosecond n with n / 1e9 >= seconds; the far future for an infinity."""
    if seconds >= 9.2e9:
        return NEVER
    if seconds <= -9.2e9:
        return -NEVER
    nanoseconds: cython.longlong = cython.cast(cython.longlong, seconds * 1e9)
    while nanoseconds / 1e9 >= seconds:
        nanoseconds -= 1
    while nanoseconds / 1e9 < seconds:
        nanoseconds += 1
    return nanoseconds


keep_freed(TimerHandle)
