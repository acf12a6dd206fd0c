cdef class Plain:
    cdef bint is_json

    cdef object mapping(self, object values)
    cdef object value(self, object value)


cdef int carrier_of(object value, int depth) except -1
cdef int carrier_of_dict(dict values, int depth) except -1
cdef int carrier_of_items(list items, int depth) except -1
