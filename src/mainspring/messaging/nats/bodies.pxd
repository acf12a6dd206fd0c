cpdef bytes encode(object form, bint is_json)


cdef class Decoder:
    cdef object from_json
    cdef object from_msgpack

    cpdef object read(self, bytes body)


cdef bint begins_json(bytes body) noexcept
