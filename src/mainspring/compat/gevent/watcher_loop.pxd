from mainspring.compat.gevent.callbacks cimport CallbackQueue
from mainspring.core.phases cimport Phases
from mainspring.core.runnable cimport Runnable
from mainspring.core.watching cimport WatchScheduler


cdef class IdleTurn(Runnable):
    cdef WatchScheduler scheduler
    cdef list idles


cdef class WatcherLoop(Phases):
    cdef WatchScheduler scheduler
    cdef CallbackQueue callbacks
    cdef IdleTurn idle_turn
    cdef readonly long active
    # How many runs of `run()` are going on, one in another; those of asyncio's don't end by themselves.
    cdef int runs
    # How many of the heap's timers are watchers'.
    cdef long timers
    cdef bint is_forked
    cdef list prepares
    cdef list checks
    cdef list forks
    # Events of fds: of watchers that were stopped since the last poll, and of regular files.
    cdef list stopped
    cdef list files
    # Events that nothing else keeps alive.
    cdef set kept

    cdef int sweep(self) except -1
    cdef bint is_anything_alive(self) except -1
    cdef bint are_timers_alive(self) noexcept
    cdef bint are_fds_alive(self) except -1
    cdef int queue_event(self, Runnable event, int level) except -1
    cdef int wake(self) except -1
    cdef int check_alive(self) except -1
    cdef int fail_for(self, object context) except -1
