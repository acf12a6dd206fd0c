"""Steps: which callbacks are a task's step or its wake-up, and where in a ring that of a task is.

As asyncio hands them to `call_soon`, each names its task; `task_steps.h` knows those of C tasks.
"""

from asyncio import tasks

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.core.capi import PyMethod_Check, method_function, method_self
from cython.cimports.mainspring.core.runnable import Runnable

PYTHON_STEP = cython.declare(object, tasks._PyTask._Task__step)
PYTHON_WAKEUP = cython.declare(object, tasks._PyTask._Task__wakeup)


def task_of(callback):
    """Returns the task if a callback is its step or its wake-up, else None."""
    function: cython.pointer(PyObject)
    if is_c_step(callback) or is_c_wakeup(callback):
        return callback.__self__
    if PyMethod_Check(callback):
        function = method_function(callback)
        if function == cython.cast(
            cython.pointer(PyObject), PYTHON_STEP
        ) or function == cython.cast(cython.pointer(PyObject), PYTHON_WAKEUP):
            return cython.cast(object, method_self(callback))
    return None


def find_step(anchor: Runnable, task):
    """Returns the handle of a task's next step in a ring, or None; looks from both ends at once.

    A task that has just been made stands at the tail; of many, the first is near the head.
    """
    first: Runnable = anchor.next
    last: Runnable = cython.cast(Runnable, anchor.prev)
    while first is not anchor:
        if task_of(first.callback) is task:
            return first
        if task_of(last.callback) is task:
            return last
        if first is last or first.next is last:
            return None
        first = first.next
        last = cython.cast(Runnable, last.prev)
    return None
