from mainspring.loop.task_scheduler cimport TaskScheduler


cdef class SliceScheduler(TaskScheduler):
    cdef unsigned long long looked_at

    cdef int running_level(self) noexcept
    cdef bint is_urged(self, int level) noexcept
