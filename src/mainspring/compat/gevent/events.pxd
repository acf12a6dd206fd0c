from mainspring.core.runnable cimport Runnable
from mainspring.core.timers cimport TimerHandle
from mainspring.core.watching cimport CallbackWatcher


cdef class Target:
    cdef int fire(self, int ready) except -1


cdef class Event(Runnable):
    # None while the watcher is stopped.
    cdef Target target
    cdef int priority
    cdef signed char base_level
    # For how many iterations it gives way, and how many of them are left.
    cdef int delay
    cdef int left


cdef class IoEvent(CallbackWatcher):
    cdef Target target
    cdef int priority
    cdef int delay
    cdef int left
    # It stands in the loop's list of those that the next poll may find stopped.
    cdef bint is_listed
    # It can't be polled, because it is a regular file's, and is always ready.
    cdef bint is_file


cdef class TimerEvent(TimerHandle):
    cdef Target target
    cdef int left


cdef int level_for(int priority) noexcept
cdef int delay_for(int priority) noexcept
