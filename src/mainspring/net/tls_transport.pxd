from mainspring.net.tls_connection cimport TLSConnection


cdef class SSLTransport(TLSConnection):
    cdef bytes first_chunk
    cdef list more_chunks
    cdef Py_ssize_t sent_of_first
    cdef Py_ssize_t unsent
    cdef Py_ssize_t high_water
    cdef Py_ssize_t low_water
    cdef int lost_writes
    cdef bint is_flush_due
    cdef bint is_write_paused
    cdef bint is_held_up
    cdef bint is_encrypting

    cdef int append(self, bytes data) except -1
    cdef int after_append(self) except -1
    cdef int encrypt_chunks(self, bint all_of_it) except -1
    cdef int gather(self) except -1
    cdef int control_protocol(self) except -1
    cdef int abort_with(self, object exc) except -1
