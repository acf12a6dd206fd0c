from mainspring.core.runnable cimport Runnable
from mainspring.core.watching cimport WatchScheduler
from mainspring.loop.inheritance cimport Lending, Loan, Party


cdef class TaskParty(Party):
    cdef TaskScheduler scheduler
    # A weak reference to the task, and the number by which it is found.
    cdef object task
    cdef object key
    cdef bint is_said
    # What is queued of the task, or was.
    cdef Runnable handle

    cdef int say(self, object context) except -1
    cdef int lend_to(self, list found) except -1
    cdef bint has_handle(self) noexcept


cdef class LockParty(Party):
    cdef TaskScheduler scheduler


cdef class TaskScheduler(WatchScheduler):
    cdef dict parties
    cdef Lending lending

    cdef TaskParty party_of(self, object task, dict queued)
    cdef int find_handle(self, TaskParty party, object task, dict queued) except -1
    cdef int has_waited(self, object task, TaskParty party) except -1
    cdef int has_started(self, object task) except -1
    cdef int level_while_waiting(self, object task, object context) except -1
    cdef dict all_queued(self)
    cdef Runnable find_queued(self, object task)
    cdef int index(self, Runnable anchor, dict queued) except -1
