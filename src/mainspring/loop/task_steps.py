"""Steps: which callbacks are a task's step or its wake-up, and where in a ring that of a task is.

As asyncio hands them to `call_soon`, each names its task; `task_steps.h` knows those of C tasks.

Between a task and what it waits for asyncio often puts a callback of its own, which does nothing
but hand on: the end of a child to `gather`, the end of a sleep to the sleeper. If such a relay had
the priority that its context names, a HIGH task could be held up on the way by all that is DEFAULT.
So they are known here too, by their code.
"""

from asyncio import futures, taskgroups, tasks, timeouts

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.core.capi import PyMethod_Check, method_function, method_self
from cython.cimports.mainspring.core.runnable import Runnable


def _codes_of_relays():
    """Returns the code of each relay that this interpreter's asyncio has."""
    nested = {
        ("gather", "_done_callback"),
        ("shield", "_inner_done_callback"),
        ("_wait", "_on_completion"),
        ("as_completed", "_on_completion"),
    }
    for name, inner in nested:
        for code in getattr(tasks, name).__code__.co_consts:
            if getattr(code, "co_name", None) == inner:
                yield code
    yield taskgroups.TaskGroup._on_task_done.__code__
    # Of 3.13 and newer.
    iterator = getattr(tasks, "_AsCompletedIterator", None)
    if iterator is not None:
        yield iterator._handle_completion.__code__


# By identity, because to hash a code object means to hash all that is in it.
RELAYS = cython.declare(frozenset, frozenset(map(id, _codes_of_relays())))
END_OF_SLEEP = cython.declare(object, futures._set_result_unless_cancelled)
END_OF_TIMEOUT = cython.declare(object, timeouts.Timeout._on_timeout)
FUTURE_TYPES = cython.declare(tuple, (futures.Future, futures._PyFuture))
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


def is_relay(callback):
    """Returns True for what asyncio calls when a child is done, to tell who waits for several."""
    if PyMethod_Check(callback):
        callback = cython.cast(object, method_function(callback))
    return id(getattr(callback, "__code__", None)) in RELAYS


def sleeper_of(callback, args):
    """Returns the task that a timer of asyncio's own is to wake, None if it is another timer."""
    if callback is END_OF_SLEEP and isinstance(args[0], FUTURE_TYPES):
        for found in args[0]._callbacks or ():
            task = task_of(found[0])
            if task is not None:
                return task
    elif (
        PyMethod_Check(callback)
        and cython.cast(object, method_function(callback)) is END_OF_TIMEOUT
    ):
        return callback.__self__._task
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
