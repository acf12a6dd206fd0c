cdef class Phases:
    cdef int before_poll(self) except -1
    cdef int after_poll(self) except -1
