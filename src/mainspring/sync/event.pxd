from mainspring.sync.flag cimport Flag


cdef class Event(Flag):
    pass
