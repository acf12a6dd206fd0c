# How the interpreter steps what can be awaited.

from cpython.ref cimport PyObject

cdef extern from "Python.h":
    ctypedef enum SendResult "PySendResult":
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT

    SendResult PyIter_Send(object, PyObject* sent, PyObject** result) noexcept
