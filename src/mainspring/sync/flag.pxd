from mainspring.sync.wait cimport Wait
from mainspring.sync.waiters cimport Waiters


cdef class Flag:
    cdef Waiters waiters
    cdef bint is_up
    cdef object __weakref__

    cdef int put_up(self) except -1
    cdef int outcome(self, Wait wait) except -1
    cdef int call_when_up(self, object callback, object context) except -1


cdef class FlagWait(Wait):
    cdef Flag flag
    cdef str called
    # Whether it has the flag's outcome for a result, its exception included, or True.
    cdef bint wants_outcome

    cdef int settle(self) except -1


cdef FlagWait wait_for(Flag flag, str called, bint wants_outcome)
