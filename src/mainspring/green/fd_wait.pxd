from mainspring.core.watching cimport CallbackWatcher, WatchScheduler


cdef enum Outcome:
    # Nobody waits; the fd may be registered all the same, for who waits next.
    SPARE
    WAITING
    READY
    EXPIRED
    CLOSED
    CANCELLED


cdef class FdWait(CallbackWatcher):
    cdef Outcome outcome
    cdef bint is_blocking
    # Of the cancellation.
    cdef object message

    cdef int begin(self, WatchScheduler loop, int fd, int interest) except -1
    cdef Outcome wait(self, WatchScheduler loop, int fd, int interest, double timeout) except? SPARE
    cdef int end(self, bint is_kept) except -1
    cdef int leave(self) except -1
    cdef int close(self) except -1
    cdef int wake_soon(self) except -1
    cdef int wake_now(self) except -1


cdef int let_others_run() except -1
cdef bint slice_is_over(WatchScheduler loop) except -1
cdef object GET_RUNNING_LOOP
