from mainspring.compat.gevent.events cimport Event, Target
from mainspring.compat.gevent.watcher_loop cimport WatcherLoop


cdef class watcher(Target):
    cdef readonly WatcherLoop loop
    cdef object _callback
    cdef object _args
    cdef bint is_active
    cdef bint is_referenced
    # gevent's priority.
    cdef int number

    cdef int begin(self, object callback, tuple args) except -1
    cdef int end(self) except -1
    cdef int activate(self) except -1
    cdef int deactivate(self) except -1
    cdef int arm(self) except -1
    cdef int disarm(self) except -1
    cdef int give_back(self) except -1
    cdef bint is_pending(self) except -1
    cdef int fail(self) except -1
    cdef int check_inactive(self, str name) except -1


cdef class EventWatcher(watcher):
    cdef Event event


cdef class async_(EventWatcher):
    pass


cdef class prepare(EventWatcher):
    pass


cdef class check(EventWatcher):
    pass


cdef class fork(EventWatcher):
    pass


cdef class idle(EventWatcher):
    pass


cdef int number_of(object priority) except? -99
