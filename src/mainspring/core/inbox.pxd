from mainspring.core.fds cimport Watcher
from mainspring.core.run_queue cimport RunQueue
from mainspring.core.runnable cimport Runnable

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd(unsigned int initial, int flags)
    int EFD_CLOEXEC, EFD_NONBLOCK
cdef extern from "<unistd.h>" nogil:
    ssize_t c_write "write" (int fd, const void* buffer, size_t size)
    ssize_t c_read "read" (int fd, void* buffer, size_t size)
    int c_close "close" (int fd)


cdef class Inbox(Watcher):
    cdef Runnable anchor
    cdef unsigned int mask
    cdef bint is_loop_asleep

    cdef int post(self, Runnable runnable, int level) except -1
    cdef int drain(self, RunQueue queue) except -1
    cdef bint has_above(self, int level) noexcept
    cdef int wake(self) except -1
    cdef int close(self) except -1
    cdef int renew(self) except -1


cdef class SignalWatcher(Watcher):
    # A copy of the fd that had the bytes before, or -1.
    cdef int other

    cdef int pass_on(self, int fd) except -1
