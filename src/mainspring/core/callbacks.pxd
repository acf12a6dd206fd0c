from mainspring.core.observed cimport ObservedScheduler
from mainspring.core.runnable cimport Runnable
from mainspring.core.timers cimport TimerHandle

cdef extern from "functions.h":
    bint is_coroutine_function(object) noexcept
    bint is_callback(object) noexcept
    double as_double(object) except? -1


cdef class CallbackScheduler(ObservedScheduler):
    cdef int level_for(self, Runnable handle) except -1
    cdef int queue_unsaid(self, Runnable handle) except -1
    cdef int check_debug(self, object handle, object callback, str method) except -1
    cdef TimerHandle start_timer(
        self, double when, object callback, object args, object context, object priority, str method
    )


cdef str CLOSED

cdef int refuse(object callback, str method) except -1
