from mainspring.loop.task_scheduler cimport LockParty, TaskScheduler
from mainspring.sync.waiters cimport Waiter, Waiters


cdef class Owned:
    cdef Waiters waiters
    # The waiter that it was handed to and that has yet to go on.
    cdef Waiter chosen
    # A weak reference to the task that has it, None if that is no task; and its thread.
    cdef object owner
    cdef unsigned long owner_thread
    # One for each loop whose tasks wait or own; None as long as nobody waits.
    cdef list parties
    cdef object __weakref__

    cdef int lend(self, Waiter wait) except -1
    cdef int tell(self) except -1
    cdef int tell_owner(self) except -1
    cdef int left(self) except -1
    cdef OwnedParty party_for(self, TaskScheduler scheduler)
    cdef int most_urgent_elsewhere(self, object loop) except -1


cdef class OwnedParty(LockParty):
    # A weak reference.
    cdef object owned
    # The reference of the owner that it lends to.
    cdef object given_to

    cdef int refresh(self) except -1
    cdef int touch(self) except -1
