from mainspring.sync.flag cimport Flag


cdef class AsyncResult(Flag):
    cdef object _value
    cdef object _exception
