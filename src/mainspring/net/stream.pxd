from mainspring.core.scheduler cimport Scheduler
from mainspring.net.writing cimport WritingTransport


cdef class StreamTransport(WritingTransport):
    pass


cdef StreamTransport new_stream(Scheduler scheduler, int fd, object protocol, object context, int level)
cdef object set_no_delay(object sock)
