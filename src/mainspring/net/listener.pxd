from mainspring.core.fds cimport Watcher
from mainspring.core.scheduler cimport Scheduler


cdef class Listener(Watcher):
    cdef Scheduler scheduler
    cdef object socket
    cdef object server
    cdef object protocol_factory
    cdef object options
    cdef int backlog
    cdef bint is_watching

    cdef int out_of_resources(self, int error) except -1
