from cpython.ref cimport PyObject

cdef extern from "Python.h":
    int PyObject_GenericSetDict(object o, object value, void *context) except -1
