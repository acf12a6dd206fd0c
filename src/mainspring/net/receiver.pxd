from mainspring.core.runnable cimport Runnable

# The parts of the loop's buffer while a receiver has it; together READ_BUFFER_SIZE.
cdef enum:
    INPUT_SIZE = 65536
    PLAIN_OFFSET = 65536
    PLAIN_SIZE = 98304
    OUTPUT_OFFSET = 163840
    OUTPUT_SIZE = 98304


cdef class Receiver(Runnable):
    cdef int receive(self, const char* data, Py_ssize_t size) except -1
