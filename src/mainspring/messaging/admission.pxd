cdef class Cap:
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t running


cdef class Admission:
    # Heaps of those that wait, and their methods, by the id of the method.
    cdef dict heaps
    cdef dict methods
    cdef unsigned long long arrivals

    cpdef bint enter(self, object job, object method, int rank) except -1
    cpdef object leave(self, object method)
    cpdef object next(self)
