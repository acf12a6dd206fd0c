from mainspring.compat.gevent.events cimport IoEvent
from mainspring.compat.gevent.watcher cimport watcher


cdef class io(watcher):
    cdef int number_of_fd
    cdef int mask
    # What the core knows of it; made anew when it is to be another fd's.
    cdef IoEvent event

    cdef int register(self, IoEvent event) except -1


cdef int check_events(object events) except -1
cdef int check_fd(object fd) except -1
