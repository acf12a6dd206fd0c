from mainspring.net.reading cimport ReadingTransport
from mainspring.net.writing cimport WritingTransport


cdef class ReadPipeTransport(ReadingTransport):
    # Attributes of one pipe's own, as asyncio's transports take them.
    cdef dict __dict__
    cdef object next_read


cdef class WritePipeTransport(WritingTransport):
    cdef dict __dict__
    cdef bint tells_of_readers
