from mainspring.core.runnable cimport Runnable
from mainspring.net.reading cimport ReadingTransport
from mainspring.net.sendfile cimport FileSend

cdef enum:
    DEFAULT_HIGH_WATER = 65536


cdef class WritingTransport(ReadingTransport):
    cdef object first_chunk
    cdef list more_chunks
    cdef Py_ssize_t sent_of_first
    cdef Py_ssize_t unsent
    cdef Py_ssize_t high_water
    cdef Py_ssize_t low_water
    cdef bint is_write_paused
    cdef bint is_flush_due
    cdef bint is_eof_written
    cdef bint refuses_writes

    cdef int append(self, object data) except -1
    cdef int refuse(self) except -1
    cdef int after_append(self) except -1
    cdef int send_now(self) except -1
    cdef int watch_for_room(self) except -1
    cdef Py_ssize_t send_chunks(self) except -2
    cdef int count_sent(self, Py_ssize_t sent) except -1
    cdef int send_file(self) except -1
    cdef int end_file(self, object exc) except -1
    cdef FileSend file_on_its_way(self)
    cdef int pause_protocol(self) except -1
    cdef int resume_protocol(self) except -1


cdef bytes as_bytes(object data)
cdef tuple water_marks(object high, object low, Py_ssize_t default)
cdef int tell_protocol(Runnable transport, object protocol, str method) except -1
