from mainspring.core.fds cimport Watcher
from mainspring.core.watching cimport WatchScheduler

cdef extern from "<poll.h>" nogil:
    # GPollFD has the same layout and the same bits, and GLib relies on that too.
    struct pollfd:
        int fd
        short events
        short revents
    int c_poll "poll" (pollfd* fds, unsigned long count, int timeout)


cdef class PollSet:
    # What GLib wants polled, in order of fds, and what it wanted when they were registered last.
    cdef pollfd* fds
    cdef int count
    cdef int capacity
    cdef pollfd* registered
    cdef int registered_count
    cdef int registered_capacity
    cdef WatchScheduler scheduler
    cdef WakeUp wake_up
    cdef int epfd

    cdef int reserve(self, int capacity) except -1
    cdef int poll(self) except -1
    cdef bint register(self) except -1
    cdef bint register_one(self, pollfd* wanted, pollfd* before) except -1
    cdef int open(self) except -1
    cdef int close(self) except -1
    cdef int renew(self) except -1


cdef class WakeUp(Watcher):
    cdef bint has_come
