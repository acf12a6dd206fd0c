from cpython.ref cimport PyObject

from mainspring.core.clock cimport Clock
from mainspring.core.fds cimport FdTable
from mainspring.core.gate cimport Gate
from mainspring.core.inbox cimport Inbox
from mainspring.core.lock_out cimport LockOut
from mainspring.core.phases cimport Phases
from mainspring.core.run_queue cimport RunQueue
from mainspring.core.runnable cimport Runnable
from mainspring.core.statistics cimport Statistics
from mainspring.core.timers cimport TimerHandle, TimerHeap

cdef extern from "ring.h":
    void SPARE_GIVE(Scheduler owner, Runnable node) noexcept
    Runnable SPARE_TAKE(Scheduler owner)
cdef extern from "threads.h":
    ctypedef struct PyInterpreterState
    PyInterpreterState* PyInterpreterState_Get() noexcept
    bint other_threads_live(PyInterpreterState*) noexcept


cdef class Scheduler:
    cdef RunQueue queue
    cdef TimerHeap timers
    cdef FdTable fds
    cdef Inbox inbox
    cdef readonly Gate gate
    cdef Clock clock
    cdef Statistics statistics
    cdef LockOut lock_out
    # The first of those that take part in each iteration; as a rule None.
    cdef Phases phases
    cdef list to_flush
    cdef Runnable spare
    cdef int spares
    cdef char* read_buffer
    cdef PyInterpreterState* interpreter
    cdef readonly bint is_debug
    cdef bint is_observed
    cdef bint is_stopping
    cdef bint is_shut
    cdef unsigned long thread
    cdef unsigned long long quantum
    cdef unsigned long long low_quantum
    cdef long long low_ran_at
    cdef long long low_limit
    # What runs now, NULL for nothing; of its batch, the beginning, the level and the last stamp.
    cdef PyObject* running
    cdef unsigned long long batch_began
    cdef unsigned long long batch_limit
    cdef int batch_level
    # The next callback goes on with what runs now, and before what the batch has added.
    cdef bint is_continuing

    cdef int iterate(self, bint may_sleep) except -1
    cdef int poll(self, long long timeout) except -1
    cdef int look(self) except -1
    cdef long long time_to_sleep(self) except -2
    cdef int collect(self) except -1
    cdef int run_batch(self) except -1
    cdef int run_level(self, int level, unsigned long long limit) except -1
    cdef int run_one(self, int level) except -1
    cdef int due_level_for(self, TimerHandle timer) except -1
    cdef int ran_owned(self, Runnable runnable) except -1
    cdef bint low_is_overdue(self) except -1
    cdef int pass_over_default(self, int level) except -1
    cdef int flush_later(self, Runnable runnable) except -1
    cdef int flush_all(self) except -1
    cdef char* buffer_for_reading(self) except NULL


cdef enum:
    READ_BUFFER_SIZE = 262144
