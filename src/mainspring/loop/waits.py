"""What a task waits for when it waits for a future without a name.

`asyncio.shield`, `asyncio.wait`, `asyncio.as_completed` and the end of a `TaskGroup` have their
caller wait for a future of their own, which says nothing of what will complete it. But the waiter
leads there: its innermost coroutines are asyncio's, and have what they wait for in a variable; and
the future of a `shield` has a callback that holds what it shields. Each is known by its code. The
invariant: what is found is waited for by this task, now. Where an interpreter's asyncio is written
otherwise nothing is found, and so nothing is lent.
"""

from asyncio import futures, queues, taskgroups, tasks
from types import CoroutineType, GeneratorType

import cython
from cython.cimports.mainspring.loop.waits import (
    PyFrame_GetVarString,
    PyFrameObject,
    first_callback_of_code,
)


def _code_in(function, name, variable):
    """Returns the code of a nested function that has a variable of its outer one, or None."""
    for code in function.__code__.co_consts:
        if getattr(code, "co_name", None) == name and variable in code.co_freevars:
            return code
    return None


def _code_with(owner, function, *names):
    """Returns the code of a function that uses some variables and attributes, or None."""
    code = getattr(getattr(owner, function, None), "__code__", None)
    if code is None or not {*names} <= {*code.co_varnames, *code.co_cellvars, *code.co_names}:
        return None
    return code


COROUTINE = cython.declare(object, CoroutineType)
GENERATOR = cython.declare(object, GeneratorType)
PLAIN_FUTURE = cython.declare(object, futures.Future)
PYTHON_FUTURE = cython.declare(object, futures._PyFuture)

END_OF_SHIELD = cython.declare(object, _code_in(tasks.shield, "_outer_done_callback", "inner"))
WAIT = cython.declare(object, _code_with(tasks, "_wait", "fs", "waiter"))
# Of 3.12 and 3.13.0, and of what came later.
GROUP = ("self", "_tasks", "_on_completed_fut")
END_OF_GROUP = cython.declare(object, _code_with(taskgroups.TaskGroup, "__aexit__", *GROUP))
LATER_END_OF_GROUP = cython.declare(object, _code_with(taskgroups.TaskGroup, "_aexit", *GROUP))
# Of 3.13 and newer; before, nothing leads from the waiter to what is to be completed.
AS_COMPLETED = cython.declare(
    object, _code_with(getattr(tasks, "_AsCompletedIterator", None), "_wait_for_one", "self")
)
QUEUE_GET = cython.declare(object, _code_with(queues.Queue, "get"))


def targets_of_wait(task, future):
    """Returns the futures that a task waits for through a nameless one, or None.

    Parameters:
        future: what the task waits for.
    """
    shielded = target_of_shield(future)
    if shielded is not None:
        return [shielded]
    # The innermost coroutine, which waits for the future, and the one that waits for that.
    outer = None
    inner = None
    awaited = task.get_coro()
    while True:
        if type(awaited) is COROUTINE:
            outer, inner, awaited = inner, awaited, awaited.cr_await
        elif type(awaited) is GENERATOR and awaited.gi_yieldfrom is not None:
            outer, inner, awaited = inner, awaited, awaited.gi_yieldfrom
        else:
            break
    if type(inner) is not COROUTINE:
        return None
    code = inner.cr_code
    if code is WAIT:
        if _variable(inner, b"waiter") is future:
            return list(_variable(inner, b"fs"))
    elif code is END_OF_GROUP or code is LATER_END_OF_GROUP:
        group = _variable(inner, b"self")
        if group._on_completed_fut is future:
            return list(group._tasks)
    elif code is QUEUE_GET and type(outer) is COROUTINE and outer.cr_code is AS_COMPLETED:
        return list(getattr(_variable(outer, b"self"), "_todo", ()))
    return None


def target_of_shield(future):
    """Returns what a future of `asyncio.shield` shields, or None."""
    callback = None
    if END_OF_SHIELD is None:
        return None
    if type(future) is not PLAIN_FUTURE and isinstance(future, PYTHON_FUTURE):
        # Its first callback: it was there before anybody could wait.
        callback = future._callbacks[0][0] if future._callbacks else None
        if getattr(callback, "__code__", None) is not END_OF_SHIELD:
            return None
    else:
        callback = first_callback_of_code(future, END_OF_SHIELD)
    if callback is None:
        return None
    return callback.__closure__[END_OF_SHIELD.co_freevars.index("inner")].cell_contents


@cython.cfunc
def _variable(coroutine, name: cython.p_const_char) -> object:
    """Returns a local variable of a coroutine that waits."""
    frame = coroutine.cr_frame
    return PyFrame_GetVarString(
        cython.cast(cython.pointer(PyFrameObject), cython.cast(cython.p_void, frame)), name
    )
