from mainspring.core.watching cimport WatchScheduler
from mainspring.green.fd_wait cimport FdWait


cdef class Channel:
    cdef public int fd
    # Seconds, as the user set it: negative for none, 0 for a socket that doesn't block.
    cdef public double timeout
    # The system's socket doesn't block although the user's does.
    cdef public bint is_held
    # The last attempt to read took all that there was.
    cdef bint is_drained
    cdef FdWait reader
    cdef FdWait writer
    # Who waits while another waits for the same.
    cdef list others

    cdef object receive(self, Py_ssize_t size)
    cdef Py_ssize_t receive_into(self, char* buffer, Py_ssize_t size) except -1
    cdef Py_ssize_t send(self, const char* data, Py_ssize_t size, int flags) except -1
    cdef int send_all(self, const char* data, Py_ssize_t size, int flags) except -1
    cdef double after_failure(self, int interest, double deadline) except? -2.0
    cdef int get_ready(self, int interest, double deadline) except -1
    cdef int give_way(self, object loop) except -1
    cdef bint is_known_empty(self, object loop) noexcept
    cdef int wait(self, object loop, int interest, double timeout) except -1
    cdef FdWait take_wait(self, object loop, int interest)
    cdef double deadline(self) noexcept
    cdef int check_open(self) except -1
