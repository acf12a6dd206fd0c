cdef class Msg:
    cdef readonly str token
    cdef readonly str reply
    cdef readonly dict headers
    cdef readonly bytes data


cdef class Sink:
    cdef object receive
    cdef bint wants_token

    cdef int take(self, Msg msg) except -1


cdef class MessageReader:
    cdef object on_line
    cdef object on_error
    # By number.
    cdef dict sinks
    cdef bint is_closed
    # The beginning of what isn't whole; and how long it is to be before it is looked at again.
    cdef char* held
    cdef Py_ssize_t held_size
    cdef Py_ssize_t room
    cdef Py_ssize_t wanted

    cpdef object feed(self, bytes data)
    cdef int take(self, const char* data, Py_ssize_t size) except -1
    cdef int hold(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t parse(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t take_message(
        self, const char* data, Py_ssize_t line, Py_ssize_t size, Py_ssize_t at
    ) except -1


cdef bint is_space(char char) noexcept
cdef Py_ssize_t number_at(const char* text, Py_ssize_t size) except -1
cdef str last_token(const char* subject, Py_ssize_t size)
