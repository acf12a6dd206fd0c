from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiter, Waiters


cdef class Queue:
    cdef readonly object maxsize
    # What is in it, in the order of its kind.
    cdef public object _queue
    # Held while it changes, where that calls Python; else None.
    cdef object mutex
    cdef Waiters getters
    cdef Waiters putters
    cdef Waiters joiners
    # How many free places belong to putters that were woken and have yet to put.
    cdef Py_ssize_t promised
    cdef Py_ssize_t unfinished
    cdef bint is_shut
    cdef bint is_dropped
    cdef dict __dict__
    cdef object __weakref__

    cdef bint is_full(self) except -1
    cdef int add(self, object item) except -1
    cdef int settle(self) except -1
    cdef Waiter next_served(self)
    cdef int look_again(self, Wait wait) except -1


cdef class PutWait(Wait):
    cdef Queue queue
    cdef object item


cdef class GetWait(Wait):
    cdef Queue queue


cdef class JoinWait(Wait):
    cdef Queue queue
