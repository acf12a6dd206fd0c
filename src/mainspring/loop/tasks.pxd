# Compiled because it runs once a task; its functions are methods of Loop.
from cpython.ref cimport PyObject

ctypedef PyObject* (*swapper)(PyObject*) noexcept

cdef bint factory_takes_all
cdef dict future_names, task_names

# Puts the green call that runs in this thread aside, or back; returns the one from before.
cdef swapper swap_green_call

cdef int set_swap(swapper swap) except -1
