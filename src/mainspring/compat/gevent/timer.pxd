from mainspring.compat.gevent.events cimport TimerEvent
from mainspring.compat.gevent.watcher cimport watcher


cdef class timer(watcher):
    cdef double after
    cdef double repeat
    # The expiry that is to come.
    cdef TimerEvent event

    cdef int schedule(self, double when, int level) except -1
