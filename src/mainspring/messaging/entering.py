"""`handler_context`: what a handler begins with. Made once per call, so it is compiled."""

from cython.cimports.cpython.contextvars import PyContext_Copy, PyContextVar_Set
from cython.cimports.mainspring.core.capi import PyContext_Enter, PyContext_Exit
from cython.cimports.mainspring.messaging.call import Call

from mainspring.core.priority import name_priority
from mainspring.messaging.context import call_variable, context_variable, enter_trace

__all__ = ["handler_context"]


def handler_context(base, call: Call):
    """Returns a copy of a context in which what came with a call is the current.

    Parameters:
        base: the context that all handlers of a server begin with.
        call: the call.
    """
    context = PyContext_Copy(base)
    PyContext_Enter(context)
    try:
        PyContextVar_Set(call_variable, call)
        if call.request.context:
            PyContextVar_Set(context_variable, call.request.context)
        if call.request.trace is not None:
            enter_trace(call.request.trace)
    finally:
        PyContext_Exit(context)
    if call.request.priority is not None:
        name_priority(context, call.request.priority)
    return context
