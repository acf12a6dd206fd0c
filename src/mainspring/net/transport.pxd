from mainspring.core.fds cimport Watcher
from mainspring.core.scheduler cimport Scheduler
from mainspring.net.address cimport Address


cdef class FdTransport(Watcher):
    cdef Scheduler scheduler
    cdef object protocol
    cdef object server
    cdef object owner
    # Who waits for the start; later, a file on its way.
    cdef object waiter
    cdef object lost_exception
    cdef Address peer
    cdef Address local
    # Here, and a byte: it fits in what the addresses leave of a word.
    cdef unsigned char is_pipe
    cdef bint is_starting
    cdef bint is_ending
    cdef bint is_closing_
    cdef bint is_ended
    cdef int lost_writes

    cdef int take(self, int fd, object protocol, object context, int level) except -1
    cdef int take_socket(self, object sock) except -1
    cdef int begin(self) except -1
    cdef int part_from_others(self) except -1
    cdef int start(self) except -1
    cdef int end(self) except -1
    cdef int read_ready(self) except -1
    cdef int write_ready(self) except -1
    cdef int protocol_changed(self) except -1
    cdef int drop_writes(self) except -1
    cdef bint has_writes(self) noexcept
    cdef int start_reading(self) except -1
    cdef int schedule_end(self, object exc) except -1
    cdef int force_close(self, object exc) except -1
    cdef int fatal_error(self, object exc, str message) except -1
    cdef int watching_failed(self, object exc) except -1
    cdef bint is_peers(self, object exc) except -1
    cdef int report(self, object exc, str message) except -1
    cdef int protocol_failed(self, str method) except -1
    cdef int close_fd(self) except -1
    cdef int release_fd(self) except -1
    cdef int call_protocol(self, str name, object argument) except -1
