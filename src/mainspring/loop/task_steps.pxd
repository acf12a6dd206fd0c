from mainspring.core.runnable cimport Runnable

cdef extern from "task_steps.h":
    bint is_c_step(object callback) noexcept
    bint is_c_wakeup(object callback) noexcept


cdef object task_of(object callback)
cdef bint is_relay(object callback) except -1
cdef object sleeper_of(object callback, object args)
cdef Runnable find_step(Runnable anchor, object task)
