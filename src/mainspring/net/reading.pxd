from cpython.ref cimport PyObject

from mainspring.net.receiver cimport Receiver
from mainspring.net.transport cimport FdTransport

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject** data, Py_ssize_t size) except -1


cdef class ReadingTransport(FdTransport):
    cdef object data_received
    cdef object data_owner
    cdef Receiver receiver
    cdef bint is_direct
    cdef bint is_paused
    cdef bint is_at_end
    cdef bint reads_much

    cdef int read_for_receiver(self) except -1
    cdef int read_into_protocol(self) except -1
    cdef int deliver(self, object data) except -1
    cdef int end_of_file(self) except -1
    cdef int failed_to_read(self, int error) except -1


cdef object data_received_of(object protocol)
