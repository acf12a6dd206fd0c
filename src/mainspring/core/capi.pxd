# The C functions of CPython and of the system that the core calls and that Cython declares
# nowhere, or declares with a check on each call that the core makes itself.

from cpython.ref cimport PyObject

cdef extern from "Python.h":
    int PyContext_Enter(object) noexcept
    int PyContext_Exit(object) noexcept
    object PyContext_CopyCurrent()
    bint PyCallable_Check(object) noexcept
    int PyErr_CheckSignals() except -1
    bint PyMethod_Check(object) noexcept
    PyObject* method_function "PyMethod_GET_FUNCTION" (object) noexcept
    PyObject* method_self "PyMethod_GET_SELF" (object) noexcept
    object PyErr_GetRaisedException()
    void PyErr_SetRaisedException(PyObject*) noexcept
    PyObject* Py_NewRef(object) noexcept
    PyObject* PyObject_CallNoArgs(object) noexcept
    PyObject* PyObject_CallOneArg(object, object) noexcept
    PyObject* PyObject_Vectorcall(object, PyObject**, size_t, void*) noexcept
    PyObject** tuple_items "&PyTuple_GET_ITEM" (object, Py_ssize_t) noexcept
    Py_ssize_t tuple_size "PyTuple_GET_SIZE" (object) noexcept
    unsigned long PyThread_get_thread_ident() noexcept nogil
    PyObject** list_items "PySequence_Fast_ITEMS" (object) noexcept
