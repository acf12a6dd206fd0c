from mainspring.net.transport cimport FdTransport


cdef class DatagramTransport(FdTransport):
    # The one that `owner` shows: a datagram is sent without a detour.
    cdef object socket
    cdef object address
    cdef object queue
    cdef Py_ssize_t unsent
    cdef Py_ssize_t high_water
    cdef Py_ssize_t low_water
    cdef int datagrams_a_call
    cdef bint is_connected
    cdef bint is_write_paused

    cdef bint try_to_send(self, data, address) except -1
    cdef int receive(self) except -2
    cdef int deliver(self, data, address) except -1
