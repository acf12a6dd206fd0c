from mainspring.green.call cimport GreenCall


cdef class GreenCoroutine(GreenCall):
    pass
