from mainspring.core.gate cimport Gate

cdef extern from "Python.h":
    int PyThreadState_SetAsyncExc(unsigned long thread, object exc) noexcept
    int clear_async_exc "PyThreadState_SetAsyncExc" (unsigned long thread, void* none) noexcept


cdef class IdleCall:
    cdef Gate gate
    cdef object context
    cdef object function
    cdef tuple args
    cdef dict kwargs
    cdef unsigned long thread
    cdef object interruption
