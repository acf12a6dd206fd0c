from mainspring.net.receiver cimport Receiver

cdef extern from "Python.h":
    Py_ssize_t bytearray_size "PyByteArray_GET_SIZE" (object) noexcept
    char* bytearray_data "PyByteArray_AS_STRING" (object) noexcept
    int PyByteArray_Resize(object, Py_ssize_t size) except -1


cdef class StreamReaderFeeder(Receiver):
    cdef object protocol
    cdef object reader  # a weak reference
    cdef bytearray buffer
    cdef Py_ssize_t limit


cdef StreamReaderFeeder feeder_of(object protocol)
