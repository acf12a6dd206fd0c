from mainspring.core.poller cimport Poller

cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    int c_poll "poll" (pollfd* fds, unsigned long count, int timeout)
    short POLLIN, POLLOUT


cdef class PollPoller(Poller):
    cdef pollfd* fds
    cdef unsigned int* generations
    cdef int used
    cdef int room
    cdef dict places

    cdef int make_room(self) except -1
