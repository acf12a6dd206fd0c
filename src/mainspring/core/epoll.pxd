from mainspring.core.poller cimport Poller

cdef extern from "epoll.h" nogil:
    ctypedef union epoll_data_t:
        unsigned long long u64
    struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int operation, int fd, epoll_event* event)
    int epoll_wait_ns(int epfd, epoll_event* events, int capacity, long long timeout)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
    unsigned int EPOLLIN, EPOLLOUT
cdef extern from "<unistd.h>" nogil:
    int c_close "close" (int fd)


cdef class EpollPoller(Poller):
    cdef int epfd
    cdef epoll_event* raw
    cdef int raw_capacity

    cdef void grow(self) noexcept
