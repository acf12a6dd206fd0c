from mainspring.core.scheduler cimport Scheduler


cdef class ObservedScheduler(Scheduler):
    cdef int observe(self) except -1


cdef long long as_limit(object seconds, str name) except -2
