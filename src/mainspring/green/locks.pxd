from mainspring.sync.lock cimport BaseLock
from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiters


cdef class ThreadLock(BaseLock):
    cdef bint wait_for_it(self, object timeout) except -1


cdef class ThreadRLock(ThreadLock):
    pass


cdef class Line:
    cdef Waiters waiters

    cdef int wake(self, Py_ssize_t count) except -1


cdef class Place(Wait):
    cdef Line line
    cdef object release
    cdef readonly bint has_released
    cdef readonly object saved
