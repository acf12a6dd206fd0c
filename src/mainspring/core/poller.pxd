from mainspring.core.gate cimport Gate


cdef enum Interest:
    READ = 1
    WRITE = 2


cdef struct Event:
    int fd
    int mask
    unsigned int generation


cdef class Poller:
    cdef Event* events
    cdef int count
    cdef int capacity
    # The loop's, when the poller belongs to one: it is opened while a wait releases the GIL.
    cdef Gate gate

    cpdef int set(self, int fd, int mask, int registered, unsigned int generation) except -1
    cpdef int wait(self, long long timeout, bint release_gil) except -1
    cpdef int reset(self) except -1
    cpdef int close(self) except -1
    cpdef int report(self, int fd, int mask, unsigned int generation=*) except -1
    cdef int reserve(self, int capacity) except -1
