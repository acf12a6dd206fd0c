"""`GeneratorCoroutine`: what makes a task of a generator; `as_iterator`: what drives the rest.

What the generator yields is waited for, and its result sent in (or its exception thrown): anything
that `await_` takes, and another generator. A bare `yield` lets others run. With `yield from`, to
any depth, futures arrive here as asyncio's own, and go to the task as they are.
"""

import concurrent.futures
import inspect
import types
from asyncio import events, futures

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import PyErr_GetRaisedException
from cython.cimports.mainspring.loop.iterators import (
    PYGEN_ERROR,
    PYGEN_RETURN,
    PyIter_Send,
    SendResult,
    as_exception,
)

from mainspring.green.deferreds import as_future, is_deferred

Pointer = cython.typedef(cython.pointer(PyObject))


def as_iterator(awaitable):
    """Returns an iterator that yields futures until the result of something awaitable is there.

    Parameters:
        awaitable: see `await_`.

    Raises:
        TypeError: it is nothing that can be waited for.
    """
    # A Deferred's own __await__ yields itself, which only Twisted understands.
    if is_deferred(awaitable):
        return as_future(awaitable, events.get_running_loop()).__await__()
    if inspect.isgenerator(awaitable):
        return GeneratorCoroutine(awaitable)
    find = getattr(type(awaitable), "__await__", None)
    if find is not None:
        return find(awaitable)
    if isinstance(awaitable, concurrent.futures.Future):
        return futures.wrap_future(awaitable).__await__()
    raise TypeError(
        f"a coroutine, a future, a generator or something else that can be awaited was expected, "
        f"got {awaitable!r}"
    )


def is_awaitable(value):
    """Returns True for what `await_` takes."""
    return (
        hasattr(type(value), "__await__")
        or inspect.isgenerator(value)
        or isinstance(value, concurrent.futures.Future)
        or is_deferred(value)
    )


@cython.final
@cython.cclass
class GeneratorCoroutine:
    """A plain generator as a coroutine.

    Parameters:
        generator: the generator.
    """

    def __cinit__(self, generator):
        if not inspect.isgenerator(generator):
            raise TypeError(f"a generator was expected, got {generator!r}")
        self.generator = generator
        self.inner = None

    @classmethod
    def __class_getitem__(cls, item):
        return types.GenericAlias(cls, item)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """Goes on until the next wait; as a coroutine's `send`."""
        return self.go_on(value, None)

    def throw(self, typ, value=None, traceback=None):
        """Raises an exception where the generator waits, and goes on; as a coroutine's `throw`."""
        return self.go_on(None, as_exception(typ, value, traceback))

    def close(self):
        """Ends the generator with a GeneratorExit."""
        inner, self.inner = self.inner, None
        try:
            if inner is not None and hasattr(inner, "close"):
                inner.close()
        finally:
            self.generator.close()

    @cython.cfunc
    def go_on(self, sent, error):
        """Steps what the generator waits for, and the generator whenever that is done."""
        while True:
            if self.inner is not None:
                try:
                    is_over, value = _step(self.inner, sent, error)
                except BaseException as exc:
                    self.inner = None
                    sent, error = None, exc
                else:
                    if not is_over:
                        return value
                    self.inner = None
                    sent, error = value, None
            is_over, value = _step(self.generator, sent, error)
            if is_over:
                raise StopIteration(value)
            if value is None or getattr(value, "_asyncio_future_blocking", None):
                return value
            sent = error = None
            try:
                self.inner = as_iterator(value)
            except TypeError as exc:
                error = exc

    def __getattr__(self, name):
        # Cython has no properties of these names.
        if name == "__name__" or name == "__qualname__":
            return getattr(self.generator, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def cr_running(self):
        return self.generator.gi_running

    @property
    def cr_suspended(self):
        return self.generator.gi_suspended

    @property
    def cr_frame(self):
        return self.generator.gi_frame

    @property
    def cr_code(self):
        return self.generator.gi_code

    @property
    def cr_await(self):
        return self.inner if self.inner is not None else self.generator.gi_yieldfrom

    @property
    def cr_origin(self):
        return None

    def __repr__(self):
        return f"<generator task {self.generator.__qualname__} at {id(self):#x}>"


@cython.cfunc
def _step(iterator, sent, error) -> tuple:
    """Sends or throws into an iterator. Returns whether it is over, and what it gave."""
    result: Pointer = cython.NULL
    status: SendResult
    if error is not None:
        throw = getattr(iterator, "throw", None)
        if throw is None:
            raise error
        try:
            return False, throw(error)
        except StopIteration as stop:
            return True, stop.value
    status = PyIter_Send(iterator, cython.cast(Pointer, sent), cython.address(result))
    if status == PYGEN_ERROR:
        raise PyErr_GetRaisedException()
    value = cython.cast(object, result)
    Py_DECREF(value)
    return status == PYGEN_RETURN, value
