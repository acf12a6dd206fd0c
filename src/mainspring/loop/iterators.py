"""What compiled coroutines have in common: how they answer when they are stepped by hand.

A task steps them through the slots of `step_slots.h`; whoever calls `send` and `throw` gets here.
"""

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import PyErr_GetRaisedException

Pointer = cython.typedef(cython.pointer(PyObject))


def answer(step: stepfunc, coroutine, sent, error):
    """Steps a coroutine, and answers as a generator does.

    Parameters:
        step: what steps it; `step_slots.h` says how.
        coroutine: what is stepped.
        sent: the value for it.
        error: the exception to throw instead, or None.
    """
    result: Pointer = cython.NULL
    status: SendResult = step(
        cython.cast(Pointer, coroutine),
        cython.cast(Pointer, sent),
        cython.NULL if error is None else cython.cast(Pointer, error),
        cython.address(result),
    )
    if status == PYGEN_ERROR:
        raise PyErr_GetRaisedException()
    value = cython.cast(object, result)
    Py_DECREF(value)
    if status == PYGEN_RETURN:
        raise StopIteration(value)
    return value


def as_exception(typ, value, traceback):
    """Returns the exception that the arguments of a generator's `throw` stand for."""
    exc = typ if isinstance(typ, BaseException) else value
    if exc is None:
        exc = typ()
    elif not isinstance(exc, BaseException):
        exc = typ(exc)
    return exc if traceback is None else exc.with_traceback(traceback)
