cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char* data, Py_ssize_t size, int flags)
    int PyBUF_READ, PyBUF_WRITE


cdef enum:
    AT_CLOSE = 0
    WANTS_INPUT = -2
    FAILED = -3


cdef class Engine:
    cdef readonly object sslobj
    cdef object incoming
    cdef object outgoing
    cdef object failure
    cdef bytes kept
    cdef const char* input
    cdef Py_ssize_t input_size
    cdef bint is_lent
    cdef bint is_added
    cdef bytes taken
    cdef const char* output
    cdef Py_ssize_t output_size

    cdef int give(self, const char* data, Py_ssize_t size) except -1
    cdef int add(self, const char* data, Py_ssize_t size) except -1
    cdef int keep(self) except -1
    cdef int drop(self) except -1
    cdef int feed(self, Py_ssize_t limit) except -1
    cdef int handshake(self) except -1
    cdef int shutdown(self) except -1
    cdef bint is_dry(self) except -1
    cdef Py_ssize_t read(self, char* into, Py_ssize_t size) except -1
    cdef Py_ssize_t write(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t collect(self) except -1
    cdef int collected(self) except -1


cdef Engine new_engine(object context, bint server_side, object server_hostname)
