from mainspring.core.runnable cimport Runnable


cdef class TimerHandle(Runnable):
    cdef TimerHeap heap
    cdef unsigned long long arrival
    cdef double when_seconds
    cdef bint is_scheduled
    cdef signed char due_level


cdef class IdleHandle(TimerHandle):
    pass


cdef class TimerHeap:
    cdef list timers
    cdef Py_ssize_t count
    cdef Py_ssize_t cancelled
    cdef unsigned long long arrivals

    cdef int push(self, TimerHandle timer) except -1
    cdef TimerHandle first(self)
    cdef TimerHandle pop_due(self, long long now)
    cdef int pop(self) except -1
    cdef int discard(self, TimerHandle timer) except -1
    cdef int compact(self) except -1
    cdef int give_back(self) except -1
    cdef void clear(self) noexcept
    cdef void sift_up(self, Py_ssize_t index) noexcept
    cdef void sift_down(self, Py_ssize_t index) noexcept


cdef long long to_nanoseconds(double seconds) noexcept
