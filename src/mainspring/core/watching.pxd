from mainspring.core.callbacks cimport CallbackScheduler
from mainspring.core.fds cimport Watcher


cdef class CallbackWatcher(Watcher):
    cdef int direction
    # What it was registered with, unless that was a number.
    cdef object fileobj


cdef class KeptWatcher(CallbackWatcher):
    cdef object socket


cdef class WatchScheduler(CallbackScheduler):
    cdef CallbackWatcher find(self, int fd, int direction)
    cdef CallbackWatcher find_closed(self, object fileobj, int direction)
    cdef int check_free(self, int fd) except -1
    cdef CallbackWatcher new_watcher(self, int fd, int direction, object callback, object args, object priority)
    cdef int fill(self, CallbackWatcher watcher, int fd, object callback, object args, object priority) except -1
