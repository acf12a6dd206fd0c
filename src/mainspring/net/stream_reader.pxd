from mainspring.net.receiver cimport Receiver
from mainspring.net.stream_buffer cimport StreamBuffer


cdef class StreamReaderFeeder(Receiver):
    cdef object protocol
    cdef object reader  # a weak reference
    cdef StreamBuffer received
    cdef Py_ssize_t limit


cdef StreamReaderFeeder feeder_of(object protocol)
