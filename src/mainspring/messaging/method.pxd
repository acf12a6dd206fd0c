cdef class Method:
    cdef readonly str name
    cdef readonly object function
    cdef readonly str run
    cdef readonly object coroutine
    cdef readonly object timeout
    cdef readonly tuple expected
    cdef readonly object cap
    cdef readonly list caps
    cdef readonly object arguments
    cdef readonly object result
    # What became of its calls.
    cdef unsigned long long started
    cdef unsigned long long failed
    cdef Py_ssize_t running
    cdef Py_ssize_t waiting
    cdef double seconds
