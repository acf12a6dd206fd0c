# steps.h.

from cpython.ref cimport PyObject

from mainspring.green.iterators cimport SendResult

cdef extern from "steps.h":
    PyObject* current_call
    ctypedef SendResult (*stepfunc)(PyObject*, PyObject*, PyObject*, PyObject**) noexcept
    void install_slots(object type, stepfunc step) noexcept
