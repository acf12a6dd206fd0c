from mainspring.sync.lending cimport Owned
from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiter


cdef class BaseLock(Owned):
    cdef bint is_locked
    cdef bint owner_is_green
    # How often its owner has taken it, if it can more than once.
    cdef Py_ssize_t depth

    cdef bint attempt(self) except -1
    cdef bint take(self) except -1
    cdef bint take_again(self) except -1
    cdef bint is_mine(self) except -1
    cdef int note_owner(self) except -1
    cdef int let_go(self) except -1
    cdef int hand_over(self) except -1
    cdef int seek(self, Waiter wait) except -1
    cdef int taken(self, Waiter wait) except -1
    cdef bint has_chosen(self) except -1
    cdef bint steal(self) except -1


cdef class LockWait(Wait):
    cdef BaseLock lock
    # Whether it is that of `async with`, which gives None.
    cdef bint is_entry


cdef class Lock(BaseLock):
    pass


cdef class RLock(Lock):
    pass


cdef class Done:
    pass


cdef Done DONE

cdef LockWait wait_for(BaseLock lock, bint is_entry)
