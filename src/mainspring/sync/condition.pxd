from mainspring.sync.lock cimport BaseLock
from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiters


cdef class Condition:
    cdef BaseLock lock
    cdef Waiters waiters
    cdef object __weakref__

    cdef int tell(self, Py_ssize_t count) except -1
    cdef int refuse_free(self, str call) except -1


cdef class ConditionWait(Wait):
    cdef Condition condition
    cdef object predicate
    cdef bint is_notified
    # How often its owner had taken the lock.
    cdef Py_ssize_t depth

    cdef int want_lock(self) except -1
