from mainspring.loop.inheritance cimport Party


cdef class JobParty(Party):
    cdef object tell
