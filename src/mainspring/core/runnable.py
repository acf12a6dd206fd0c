"""`Runnable`: whatever can stand on the run queue. A callback's `asyncio.Handle` is one as it is.

A runnable is its own list node: it stands in at most one ring, closed by an anchor, so that
push, pop, cancel and move take constant time and allocate nothing. `next` is an owned reference
(the garbage collector sees what is queued), `prev` a raw pointer, NULL exactly when the runnable
is in no ring. Freeing a long chain would recurse once per node; hence the trashcan.

There is no subclass between this and a plain handle because Cython keeps freelists for base types
only, and a handle is what a loop allocates most.
"""

import asyncio
import inspect
from asyncio.format_helpers import _format_callback_source

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import (
    PyContext_Enter,
    PyContext_Exit,
    PyErr_GetRaisedException,
    PyObject_Vectorcall,
    tuple_items,
    tuple_size,
)

# Newer interpreters tell a callback's arguments in debug mode only.
_hides_args = "debug" in inspect.signature(_format_callback_source).parameters


class Handle(asyncio.Handle):
    """What `type(handle)` is to `isinstance`: an `asyncio.Handle` that this loop made."""

    __slots__ = ()


@cython.freelist(1024)
@cython.trashcan(True)
@cython.cclass
class Runnable:
    """A callback with its arguments and context; asyncio's `Handle` in all but layout."""

    @property
    def __class__(self):
        return Handle

    def __init__(self):
        raise TypeError("handles are made by loop.call_soon() and its siblings")

    def run(self):
        """Calls the callback in its context.

        Returns 0, also when the callback raised: that goes to the exception handler. Raises only
        SystemExit and KeyboardInterrupt.
        """
        # Kept here, because the callback may cancel its own handle.
        callback = self.callback
        args = self.args
        context = self.context
        result: cython.pointer(PyObject)
        if self.is_cancelled or args is None:
            return 0
        if PyContext_Enter(context) < 0:
            return self.fail()
        result = PyObject_Vectorcall(callback, tuple_items(args, 0), tuple_size(args), cython.NULL)
        PyContext_Exit(context)
        if result == cython.NULL:
            return self.fail()
        Py_DECREF(cython.cast(object, result))
        return 0

    def fail(self):
        """Reports the exception that is set, or raises it when it is to end the loop."""
        exc = PyErr_GetRaisedException()
        if isinstance(exc, (SystemExit, KeyboardInterrupt)):
            raise exc
        report = {
            "message": f"Exception in callback {self._describe_callback()}",
            "exception": exc,
            "handle": self,
        }
        if self.source_traceback:
            report["source_traceback"] = self.source_traceback
        self.loop.call_exception_handler(report)
        return 0

    def flush(self):
        """Sends what was gathered; only runnables that write have something to do here."""
        return 0

    def link_before(self, anchor: Runnable):
        """Puts this runnable, which is in no ring, at the tail of the anchor's ring."""
        before: cython.pointer(PyObject) = anchor.prev
        RING_INSERT(cython.cast(Runnable, before), self, anchor)

    def unlink(self):
        """Takes this runnable out of its ring; does nothing when it is in none."""
        before: cython.pointer(PyObject) = self.prev
        after: cython.pointer(PyObject) = cython.cast(cython.pointer(PyObject), self.next)
        if before != cython.NULL:
            RING_REMOVE(cython.cast(Runnable, before), self, cython.cast(Runnable, after))

    def cancel(self):
        """Sees to it that the callback doesn't run (any more); does nothing the second time."""
        if not self.is_cancelled:
            self.drop()

    def drop(self):
        """Takes a handle that is cancelled out of its ring and lets go of what it would call."""
        self.is_cancelled = True
        self.unlink()
        # A handle made in debug mode still tells what it would have called: as text, so that it
        # keeps nothing alive.
        self.callback = None if self.source_traceback is None else self._describe_callback()
        self.args = None
        self.owner = None
        return 0

    def cancelled(self):
        """Returns True when `cancel()` was called."""
        return self.is_cancelled

    def get_context(self):
        """Returns the `contextvars.Context` in which the callback runs."""
        return self.context

    def _run(self):
        self.run()

    @property
    def _cancelled(self):
        return self.is_cancelled

    @property
    def _callback(self):
        return None if self.is_cancelled else self.callback

    @property
    def _args(self):
        return self.args

    @property
    def _context(self):
        return self.context

    @property
    def _loop(self):
        return self.loop

    @property
    def _source_traceback(self):
        return self.source_traceback

    def _describe_callback(self):
        if isinstance(self.callback, str):
            return self.callback
        args = self.args or ()
        if _hides_args:
            return _format_callback_source(self.callback, args, debug=self.loop.get_debug())
        return _format_callback_source(self.callback, args)

    def _repr_info(self):
        info = ["Handle"]
        if self.is_cancelled:
            info.append("cancelled")
        if self.callback is not None:
            info.append(self._describe_callback())
        if self.source_traceback:
            frame = self.source_traceback[-1]
            info.append(f"created at {frame[0]}:{frame[1]}")
        return info

    def __repr__(self):
        return f"<{' '.join(self._repr_info())}>"


def new_anchor():
    """Returns the anchor of an empty ring: it is its own neighbour on both sides."""
    anchor: Runnable = Runnable.__new__(Runnable)
    anchor.next = anchor
    anchor.prev = cython.cast(cython.pointer(PyObject), anchor)
    return anchor


def clear_ring(anchor: Runnable):
    """Takes everything out of the ring, one by one: freeing the chain whole would recurse."""
    runnable: Runnable = anchor.next
    while runnable is not anchor:
        runnable.unlink()
        runnable = anchor.next
