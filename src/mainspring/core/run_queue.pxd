from cpython.ref cimport PyObject

from mainspring.core.clock cimport Clock
from mainspring.core.runnable cimport Runnable


cdef class RunQueue:
    cdef Clock clock
    cdef list owned_anchors
    cdef PyObject* anchors[5]
    cdef readonly unsigned int mask
    cdef readonly unsigned int timed_levels
    cdef unsigned long long last_stamps[5]

    cdef void clear(self) noexcept
    cdef void push(self, Runnable runnable, int level) noexcept
    cdef void push_before_new(self, Runnable runnable, int level, unsigned long long limit) noexcept
    cdef int highest(self) noexcept
    cdef bint has_above(self, int level) noexcept
    cdef bint has_more(self, int level, unsigned long long limit) noexcept
    cdef Runnable first(self, int level)
    cdef PyObject* take(self, int level) noexcept
    cdef unsigned long long count(self, int level) noexcept


cdef enum:
    EVERY_LEVEL = 31
