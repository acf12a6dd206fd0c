# step_slots.h.

from cpython.ref cimport PyObject

from mainspring.loop.iterators cimport SendResult

cdef extern from "step_slots.h":
    ctypedef SendResult (*stepfunc)(PyObject*, PyObject*, PyObject*, PyObject**) noexcept
    void install_slots(object type, stepfunc step) noexcept
