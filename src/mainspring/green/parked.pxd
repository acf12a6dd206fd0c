# parked.h.

from cpython.ref cimport PyObject

cdef extern from "parked.h":
    PyObject* parked
    bint is_unknown(PyObject* greenlet) noexcept
    PyObject* entered_context() noexcept
    PyObject* PyThreadState_GetDict() noexcept
