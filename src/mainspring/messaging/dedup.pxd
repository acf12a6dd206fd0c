cdef class Recent:
    cdef Py_ssize_t limit
    cdef dict values
    # A deque of the keys.
    cdef object order

    cpdef object add(self, object key, object value)
    cpdef bint take(self, object key) except -1
    cpdef object get(self, object key)


cdef class Duplicates:
    cdef readonly dict running
    cdef Recent done
    cdef Recent responses

    cpdef bint is_done(self, object unique_id) except -1
    cpdef object response(self, object unique_id)
    cpdef object end(self, object unique_id, object response)
