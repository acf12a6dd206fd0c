cpdef object copy_plain(object value)
cpdef dict copy_mapping(object values)
cdef bint is_atom(object value) noexcept
cdef object copy_nested(object value, int depth)
cdef str plain_key(object key)
