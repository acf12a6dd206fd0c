from mainspring.net.stream_reader cimport StreamReaderFeeder
from mainspring.net.tls_handshake cimport TLSHandshake


cdef class TLSConnection(TLSHandshake):
    cdef object deliver
    cdef StreamReaderFeeder feeder
    cdef bint is_buffered
    cdef bint is_eof_told
    cdef bint is_at_end
    cdef bint is_reading_paused
    cdef bint is_below_paused

    cdef int protocol_changed(self) except -1
    cdef int advance(self) except -1
    cdef int read_until_dry(self) except -1
    cdef Py_ssize_t read_and_deliver(self) except -1
    cdef Py_ssize_t read_into_protocol(self) except -1
    cdef int end_of_stream(self) except -1
    cdef int tell_eof(self) except -1
    cdef int start_shutdown(self) except -1
    cdef int go_on_closing(self) except -1
    cdef int do_flush(self) except -1
    cdef int do_shutdown(self) except -1
    cdef int resume_below(self) except -1
    cdef Py_ssize_t discard(self) except -1
    cdef int finish(self) except -1
    cdef int raise_failure(self) except -1
    cdef bint has_writes(self) noexcept
    cdef int encrypt(self, bint all_of_it) except -1
    cdef int drop_writes(self) except -1
