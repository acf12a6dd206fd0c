"""`GreenCall`: a call of a plain function in a greenlet, stepped as a coroutine is.

Each step switches to the greenlet that the function runs in, and back when the function waits or
ends. It is always entered from a shallow place on the C stack, a task's step: the less of the stack
is in use there, the less greenlet copies.

Nothing on the greenlet's stack owns the call: who drops it while it waits ends the function, as
with a coroutine. Hence the raw pointers, and `_is_running`: a function that is ended so may find
that its call is gone.
"""

import sys
import types
from asyncio import CancelledError

import cython
from cython.cimports.cpython.ref import Py_DECREF, Py_XDECREF, PyObject
from cython.cimports.mainspring.core.capi import (
    Py_NewRef,
    PyErr_GetRaisedException,
    PyErr_SetRaisedException,
)
from cython.cimports.mainspring.green.greenlets import (
    AS_GREENLET,
    PyErr_Clear,
    PyGreenlet_GetCurrent,
    PyGreenlet_SetParent,
    PyGreenlet_Switch,
    PyGreenlet_Throw,
    PyObject_Call,
    import_greenlet,
)
from cython.cimports.mainspring.green.parking import give_greenlet, take_greenlet
from cython.cimports.mainspring.green.steps import current_call
from cython.cimports.mainspring.loop.iterators import (
    PYGEN_ERROR,
    PYGEN_NEXT,
    PYGEN_RETURN,
)
from cython.cimports.mainspring.loop.tasks import set_swap
from greenlet import GreenletExit

from mainspring.green.parking import set_body
from mainspring.green.strand import make_strand
from mainspring.sync.errors import BlockingSwitchOutError

Pointer = cython.typedef(cython.pointer(PyObject))

import_greenlet()


@cython.cclass
class GreenCall:
    """A function with its arguments, and how far it has come.

    Parameters:
        function: what to call.
        args: its positional arguments.
        kwargs: its keyword arguments.
    """

    def __cinit__(self, function, args: tuple = (), kwargs: dict | None = None):
        if not callable(function):
            raise TypeError(f"a green call needs a function, got {function!r}")
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def __dealloc__(self):
        Py_XDECREF(self.greenlet)
        Py_XDECREF(self.waiting)

    def interrupt(self, exc):
        """Has an exception raised in the function at its next step, or where it next waits.

        Who waits for something already is woken by a cancellation of that: give it the message that
        this returns, and the exception takes its place.

        Parameters:
            exc: the exception.

        Returns:
            The message, an object.
        """
        if self.interruptions is None:
            self.interruptions = []
            self.token = object()
        self.interruptions.append(exc)
        return self.token

    def take_back(self, exc):
        """Takes back what `interrupt` has yet to raise.

        Returns:
            True if it had yet to be raised.
        """
        if self.interruptions is None:
            return False
        left = [one for one in self.interruptions if one is not exc]
        is_taken = len(left) < len(self.interruptions)
        self.interruptions = left or None
        return is_taken

    def has_yet_to_raise(self, exc):
        """Returns True as long as an exception that was given to `interrupt` hasn't been raised."""
        return self.interruptions is not None and any(one is exc for one in self.interruptions)


def unraisable(exc, call):
    return types.SimpleNamespace(
        exc_type=type(exc),
        exc_value=exc,
        exc_traceback=exc.__traceback__,
        err_msg="Exception ignored in",
        object=call,
    )


def step(pointer, sent, error, result):
    """Runs a call until it waits or ends. step_slots.h says what it takes and returns."""
    global current_call
    call: GreenCall = cython.cast(GreenCall, pointer)
    outer: Pointer = current_call
    before: State = call.state
    driver: Pointer
    answer: Pointer
    thrown: object = None
    if before == RUNNING or before == CLOSED:
        _refuse(call)
        return PYGEN_ERROR
    if error != cython.NULL:
        thrown = cython.cast(object, error)
    if call.interruptions is not None and _may_interrupt(call, thrown):
        thrown = _next_interruption(call)
    if before == CREATED and thrown is not None:
        call.state = CLOSED
        forget(call)
        PyErr_SetRaisedException(Py_NewRef(thrown))
        return PYGEN_ERROR
    driver = cython.cast(Pointer, PyGreenlet_GetCurrent())
    if driver == cython.NULL:
        return PYGEN_ERROR
    if before == CREATED:
        call.greenlet = take_greenlet(driver)
        if call.greenlet == cython.NULL:
            Py_DECREF(cython.cast(object, driver))
            return PYGEN_ERROR
    elif driver != call.driver:
        PyGreenlet_SetParent(AS_GREENLET(call.greenlet), AS_GREENLET(driver))
    call.driver = driver
    call.sent = sent
    call.error = cython.NULL if thrown is None else cython.cast(Pointer, thrown)
    call.outcome = None
    call.state = RUNNING
    current_call = pointer
    answer = PyGreenlet_Switch(AS_GREENLET(to_go_on_with(call)), cython.NULL, cython.NULL)
    while answer != cython.NULL and call.state == RUNNING and cython.cast(object, call.greenlet):
        # It neither waits nor has it ended: it switched here by itself.
        Py_DECREF(cython.cast(object, answer))
        answer = _refuse_switch(call)
    current_call = outer
    Py_DECREF(cython.cast(object, driver))
    if answer == cython.NULL:
        # It never got there: the greenlet belongs to another thread.
        call.state = before
        if before == CREATED:
            Py_DECREF(cython.cast(object, call.greenlet))
            call.greenlet = cython.NULL
        return PYGEN_ERROR
    Py_DECREF(cython.cast(object, answer))
    if call.state == SUSPENDED:
        result[0] = Py_NewRef(call.outcome)
        return PYGEN_NEXT
    if call.state == RUNNING:
        call.state = CLOSED
        call.failed = True
        call.outcome = RuntimeError(f"somebody else has ended the greenlet of {call!r}")
        Py_DECREF(cython.cast(object, call.greenlet))
    else:
        give_greenlet(call.greenlet)
    call.greenlet = cython.NULL
    forget(call)
    thrown = call.outcome
    call.outcome = None
    if call.failed:
        PyErr_SetRaisedException(Py_NewRef(thrown))
        return PYGEN_ERROR
    result[0] = Py_NewRef(thrown)
    return PYGEN_RETURN


@cython.cfunc
@cython.exceptval(check=False)
def _refuse(call: GreenCall) -> cython.void:
    if call.state == RUNNING:
        PyErr_SetRaisedException(Py_NewRef(ValueError(f"{call!r} is already executing")))
    else:
        PyErr_SetRaisedException(Py_NewRef(RuntimeError(f"cannot reuse {call!r}: it has ended")))


@cython.cfunc
@cython.exceptval(check=False)
def _refuse_switch(call: GreenCall) -> Pointer:
    """Raises an error in a function that switched to who steps it; returns as the switch did."""
    error = BlockingSwitchOutError(
        f"{call!r} has switched to the loop's greenlet, as eventlet's and gevent's calls do to "
        f"wait; here wait with Mainspring's, or with `await_` for a greenlet of that library"
    )
    return cython.cast(
        Pointer,
        PyGreenlet_Throw(
            AS_GREENLET(call.greenlet),
            cython.cast(Pointer, BlockingSwitchOutError),
            cython.cast(Pointer, error),
            cython.NULL,
        ),
    )


@cython.cfunc
@cython.exceptval(check=False)
def _may_interrupt(call: GreenCall, error) -> cython.bint:
    """Returns True unless somebody else cancels: that goes first."""
    if isinstance(error, CancelledError):
        return bool(error.args) and error.args[0] is call.token
    return not isinstance(error, GeneratorExit)


@cython.cfunc
def _next_interruption(call: GreenCall):
    exc = call.interruptions.pop(0)
    if not call.interruptions:
        call.interruptions = None
    return exc


def to_go_on_with(call):
    return call.greenlet if call.waiting == cython.NULL else call.waiting


def forget(call):
    """Lets go of the arguments; the function goes on to say what the call was."""
    call.args = None
    call.kwargs = None


def run_call():
    """Runs the current call in this greenlet, and parks it; returns True to run the next."""
    answer: Pointer
    driver: Pointer = _run(current_call)
    if driver == cython.NULL:
        return False
    answer = PyGreenlet_Switch(AS_GREENLET(driver), cython.NULL, cython.NULL)
    if answer == cython.NULL:
        # Nobody wants this greenlet any more.
        PyErr_Clear()
        return False
    Py_DECREF(cython.cast(object, answer))
    return True


@cython.cfunc
@cython.exceptval(check=False)
def _run(call: Pointer) -> Pointer:
    """Runs a call to its end. Returns who steps it, NULL if it was ended from outside."""
    greenlet: Pointer = cython.cast(GreenCall, call).greenlet
    result: Pointer = PyObject_Call(
        cython.cast(Pointer, cython.cast(GreenCall, call).function),
        cython.cast(Pointer, cython.cast(GreenCall, call).args),
        cython.cast(Pointer, cython.cast(GreenCall, call).kwargs)
        if cython.cast(GreenCall, call).kwargs is not None
        else cython.NULL,
    )
    if not _is_running(call, greenlet):
        _end_unseen(result)
        return cython.NULL
    return _end(cython.cast(GreenCall, call), result)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _is_running(call: Pointer, greenlet: Pointer) -> cython.bint:
    """Returns True if a call, which may be gone, is what runs now, and in this greenlet."""
    return call == current_call and cython.cast(GreenCall, call).greenlet == greenlet


@cython.cfunc
@cython.exceptval(check=False)
def _end(call: GreenCall, result: Pointer) -> Pointer:
    call.failed = result == cython.NULL
    if call.failed:
        call.outcome = PyErr_GetRaisedException()
    else:
        call.outcome = cython.cast(object, result)
        Py_DECREF(call.outcome)
    if call.failed and isinstance(call.outcome, StopIteration):
        # It would look like a return.
        error = RuntimeError(f"{call!r} raised StopIteration")
        error.__cause__ = call.outcome
        call.outcome = error
    call.state = CLOSED
    return call.driver


@cython.cfunc
@cython.exceptval(check=False)
def _end_unseen(result: Pointer) -> cython.void:
    """Drops what a function returned or raised when nobody steps it any more."""
    if result != cython.NULL:
        Py_DECREF(cython.cast(object, result))
        return
    exc = PyErr_GetRaisedException()
    if not isinstance(exc, (GreenletExit, GeneratorExit)):
        sys.unraisablehook(unraisable(exc, None))


def in_green_call():
    """Returns True where a green call runs."""
    return current_call != cython.NULL


def current():
    """Returns the innermost green call that runs in this thread, None outside."""
    return None if current_call == cython.NULL else cython.cast(object, current_call)


@cython.cfunc
@cython.exceptval(check=False)
def _swap_current(call: Pointer) -> Pointer:
    global current_call
    before: Pointer = current_call
    current_call = call
    return before


def wait_in_current(waits_for):
    """Hands what the current call waits for to who steps it.

    Returns what was sent, a new reference, when the call goes on, or NULL and the exception that
    was thrown.
    """
    call: Pointer = current_call
    me: Pointer
    answer: Pointer
    if cython.cast(GreenCall, call).interruptions is not None:
        raise _next_interruption(cython.cast(GreenCall, call))
    me = cython.cast(Pointer, PyGreenlet_GetCurrent())
    if me == cython.NULL:
        return cython.NULL
    if me != cython.cast(GreenCall, call).greenlet:
        _remember(cython.cast(GreenCall, call), cython.cast(object, me))
    Py_DECREF(cython.cast(object, me))
    cython.cast(GreenCall, call).outcome = cython.cast(object, waits_for)
    cython.cast(GreenCall, call).state = SUSPENDED
    answer = PyGreenlet_Switch(
        AS_GREENLET(cython.cast(GreenCall, call).driver), cython.NULL, cython.NULL
    )
    if answer == cython.NULL:
        # Greenlet itself ends what runs here; the call may be gone.
        return cython.NULL
    Py_DECREF(cython.cast(object, answer))
    if call != current_call or cython.cast(GreenCall, call).state != RUNNING:
        raise RuntimeError("somebody else has switched to the greenlet of a waiting green call")
    if cython.cast(GreenCall, call).waiting != cython.NULL:
        Py_DECREF(cython.cast(object, cython.cast(GreenCall, call).waiting))
        cython.cast(GreenCall, call).waiting = cython.NULL
    if cython.cast(GreenCall, call).error != cython.NULL:
        PyErr_SetRaisedException(Py_NewRef(cython.cast(object, cython.cast(GreenCall, call).error)))
        return cython.NULL
    return Py_NewRef(cython.cast(object, cython.cast(GreenCall, call).sent))


@cython.cfunc
def _remember(call: GreenCall, greenlet):
    """Notes that a call's function waits in a greenlet that it switched to."""
    ancestor = greenlet
    while ancestor is not None:
        if cython.cast(Pointer, ancestor) == call.greenlet:
            call.waiting = Py_NewRef(greenlet)
            return
        ancestor = ancestor.parent
    raise RuntimeError(
        f"{greenlet!r} waits while {call!r} runs, and doesn't descend from its greenlet; switch "
        f"between greenlets of one green call only"
    )


set_body(make_strand(run_call))
set_swap(_swap_current)
