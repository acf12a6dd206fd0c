from mainspring.core.poller cimport Poller
from mainspring.core.run_queue cimport RunQueue
from mainspring.core.runnable cimport Runnable


cdef struct FdState:
    int registered
    unsigned int generation
    bint is_internal


cdef class Watcher(Runnable):
    cdef int fd
    cdef unsigned char interest
    cdef unsigned char ready
    cdef signed char base_level
    cdef bint is_internal
    # Registered with nobody waiting; gives way to whoever comes.
    cdef bint is_spare
    cdef Watcher sibling

    cdef int move_to(self, RunQueue queue, int level) except -1


cdef class FdTable:
    cdef readonly Poller poller
    cdef RunQueue queue
    cdef list watchers
    cdef FdState* states
    cdef Py_ssize_t size
    cdef readonly int watched

    cdef Watcher first(self, int fd)
    cdef int add(self, Watcher watcher, int interest) except -1
    cdef int remove(self, Watcher watcher) except -1
    cdef int set_interest(self, Watcher watcher, int interest) except -1
    cdef int dispatch(self) except -1
    cdef int register(self, int fd) except -1
    cdef void forget(self, int fd) noexcept
    cdef int remove_spare(self, int fd) except -1
    cdef int make_room(self, int fd) except -1
    cdef int refresh(self, int fd) except -1
    cdef int rebuild(self) except -1
    cdef int clear(self) except -1
