from mainspring.compat.glib.polling cimport PollSet, pollfd
from mainspring.core.phases cimport Phases
from mainspring.core.runnable cimport Runnable
from mainspring.core.watching cimport WatchScheduler

# GLib's functions, found at run time.
ctypedef void* (*ContextCall)(void* context) noexcept nogil
ctypedef int (*AcquireCall)(void* context) noexcept nogil
ctypedef int (*PrepareCall)(void* context, int* priority) noexcept nogil
ctypedef int (*QueryCall)(
    void* context, int max_priority, int* timeout, pollfd* fds, int count
) noexcept nogil
ctypedef int (*CheckCall)(void* context, int max_priority, pollfd* fds, int count) noexcept nogil


cdef class Turn(Runnable):
    cdef ContextPhases phases


cdef class ContextPhases(Phases):
    cdef WatchScheduler scheduler
    cdef PollSet poll_set
    cdef Turn turn
    cdef object context_of_calls
    cdef void* context
    # Milliseconds that GLib would sleep at most, -1 for ever.
    cdef int timeout
    cdef bint is_owner
    cdef bint is_dispatching
    cdef readonly bint is_closed

    cdef AcquireCall acquire
    cdef ContextCall release
    cdef ContextCall keep
    cdef ContextCall let_go
    cdef PrepareCall prepare
    cdef QueryCall query
    cdef CheckCall check
    cdef ContextCall dispatch

    cdef int own(self) except -1
    cdef int disown(self) except -1
    cdef int ask(self) except -1
    cdef int queue_turn(self, int priority) except -1
    cdef int run_sources(self) except -1
    cdef int end(self) except -1


cdef int level_for(int priority) noexcept
