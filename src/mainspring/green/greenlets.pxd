# greenlet's C interface.

from cpython.ref cimport PyObject

cdef extern from "greenlets.h":
    ctypedef struct PyGreenlet
    PyGreenlet* PyGreenlet_New(PyObject* run, PyGreenlet* parent) noexcept
    PyGreenlet* PyGreenlet_GetCurrent() noexcept
    PyGreenlet* PyGreenlet_GetParent(PyGreenlet*) noexcept
    PyObject* PyGreenlet_Switch(PyGreenlet*, PyObject* args, PyObject* kwargs) noexcept
    PyObject* PyGreenlet_Throw(PyGreenlet*, PyObject* typ, PyObject* value, PyObject* traceback) noexcept
    int PyGreenlet_SetParent(PyGreenlet*, PyGreenlet* parent) noexcept
    PyGreenlet* AS_GREENLET(PyObject*) noexcept
    int import_greenlet() except -1
    PyObject* PyObject_Call(PyObject* function, PyObject* args, PyObject* kwargs) noexcept
    void PyErr_Clear() noexcept
