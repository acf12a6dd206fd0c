from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiters


cdef class Semaphore:
    cdef Waiters waiters
    cdef Py_ssize_t value
    # How many were given a permit and have yet to go on, and since which fork.
    cdef Py_ssize_t chosen
    cdef int age
    cdef object __weakref__

    cdef bint take(self) except -1
    cdef int put_back(self) except -1


cdef class BoundedSemaphore(Semaphore):
    cdef Py_ssize_t bound


cdef class SemaphoreWait(Wait):
    cdef Semaphore semaphore
    cdef bint is_entry
