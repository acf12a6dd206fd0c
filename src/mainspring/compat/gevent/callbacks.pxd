from mainspring.core.runnable cimport Runnable
from mainspring.core.watching cimport WatchScheduler


cdef class callback:
    cdef public object callback
    cdef public object args
    cdef callback next


cdef class CallbackQueue(Runnable):
    cdef WatchScheduler scheduler
    # Takes a context and an exception.
    cdef object report
    cdef callback first
    cdef callback last
    cdef bint is_taking

    cdef callback add(self, object function, object args)
    cdef int call(self, callback taken) except -1
    cdef int fail_for(self, callback taken) except -1
    cdef Py_ssize_t count(self) noexcept
    cdef int clear(self) except -1
