from mainspring.core.scheduler cimport Scheduler
from mainspring.net.writing cimport WritingTransport


cdef class StreamTransport(WritingTransport):
    cdef int send_from(self, const char* data, Py_ssize_t size) except -1


cdef StreamTransport new_stream(Scheduler scheduler, int fd, object protocol, object context, int level)
cdef object set_no_delay(object sock)
