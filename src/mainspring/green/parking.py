"""Greenlets that are kept for what comes next, for each thread.

One serves again only if nobody has seen it: no reference to it is left, no weak one, no attribute.
So nobody can tell it from a new one, and whoever keeps something by greenlet finds nothing of
another's.
"""

import cython
from cython.cimports.cpython.list import PyList_GET_SIZE
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF, Py_XDECREF, PyObject
from cython.cimports.mainspring.green.greenlets import (
    AS_GREENLET,
    PyGreenlet_GetParent,
    PyGreenlet_New,
    PyGreenlet_SetParent,
    import_greenlet,
)
from cython.cimports.mainspring.green.parked import (
    PyThreadState_GetDict,
    entered_context,
    is_unknown,
    parked,
)

Pointer = cython.typedef(cython.pointer(PyObject))

# What runs in each greenlet, a function without arguments.
body = cython.declare(object, None)
MOST_PARKED = cython.declare(cython.int, 256)
PARKED_KEY = cython.declare(str, "mainspring.green.parked")

import_greenlet()


def take_greenlet(driver):
    """Returns a greenlet, a new reference, that will run what is the current call then."""
    greenlet: Pointer
    parent: Pointer
    context: Pointer = entered_context()
    if parked != cython.NULL and PyList_GET_SIZE(cython.cast(object, parked)) > 0:
        popped = cython.cast(list, parked).pop()
        Py_INCREF(popped)
        greenlet = cython.cast(Pointer, popped)
        parent = cython.cast(Pointer, PyGreenlet_GetParent(AS_GREENLET(greenlet)))
        if parent != driver:
            PyGreenlet_SetParent(AS_GREENLET(greenlet), AS_GREENLET(driver))
        Py_XDECREF(parent)
    else:
        greenlet = cython.cast(
            Pointer, PyGreenlet_New(cython.cast(Pointer, body), AS_GREENLET(driver))
        )
        if greenlet == cython.NULL:
            return cython.NULL
    if context != cython.NULL:
        cython.cast(object, greenlet).gr_context = cython.cast(object, context)
    return greenlet


def set_body(function):
    """Says what runs in each greenlet: a function without arguments."""
    global body
    body = function


def give_greenlet(greenlet):
    """Parks a greenlet whose call has ended, or drops it."""
    global parked
    if parked == cython.NULL:
        pool: list = []
        cython.cast(dict, PyThreadState_GetDict())[PARKED_KEY] = pool
        parked = cython.cast(Pointer, pool)
    if is_unknown(greenlet) and PyList_GET_SIZE(cython.cast(object, parked)) < MOST_PARKED:
        cython.cast(object, greenlet).gr_context = None
        cython.cast(list, parked).append(cython.cast(object, greenlet))
    Py_DECREF(cython.cast(object, greenlet))
