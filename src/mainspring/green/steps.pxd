# steps.h.

from cpython.ref cimport PyObject

cdef extern from "steps.h":
    PyObject* current_call
