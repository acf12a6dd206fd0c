cdef class MessageWriter:
    cdef char* buffer
    cdef Py_ssize_t size
    cdef Py_ssize_t room

    cpdef int command(self, bytes text) except -1
    cpdef int message(
        self, str subject, str reply, bytes headers, bytes body, bint with_body=*
    ) except -1
    cpdef bytes take(self)
    cdef int clear(self) except -1
    cdef int reserve(self, Py_ssize_t size) except -1
    cdef void add(self, const char* text, Py_ssize_t size) noexcept
    cdef void add_number(self, Py_ssize_t number) noexcept
