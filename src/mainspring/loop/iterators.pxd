# How the interpreter steps what can be awaited; and how what we compile answers as a generator does.

from cpython.ref cimport PyObject

cdef extern from "Python.h":
    ctypedef enum SendResult "PySendResult":
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT

    SendResult PyIter_Send(object, PyObject* sent, PyObject** result) noexcept

ctypedef SendResult (*stepfunc)(PyObject*, PyObject*, PyObject*, PyObject**) noexcept

cdef object answer(stepfunc step, object coroutine, object sent, object error)
cdef object as_exception(object typ, object value, object traceback)
