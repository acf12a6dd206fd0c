"""`await_`: waits for anything awaitable from a green call, as `await` does from a coroutine.

A coroutine is run where it is, in the same task and context, as if its caller were a coroutine;
what it waits for goes to the task. A future that is done costs no switch.
"""

import types
from asyncio import events, futures, tasks

import cython
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import PyErr_GetRaisedException
from cython.cimports.mainspring.green.call import in_green_call, wait_in_current
from cython.cimports.mainspring.loop.iterators import (
    PYGEN_ERROR,
    PYGEN_RETURN,
    PyIter_Send,
    SendResult,
)
from cython.cimports.mainspring.sync.here import set_green
from cython.cimports.mainspring.sync.wait import Wait

from mainspring.green.generators import as_iterator
from mainspring.green.outside import await_outside, refuse_to_block, sleep_outside
from mainspring.loop.slice_scheduler import SliceScheduler

FUTURE_TYPE = futures.Future
TASK_TYPE = tasks.Task
COROUTINE_TYPE = types.CoroutineType
END_OF_SLEEP = futures._set_result_unless_cancelled

Pointer = cython.typedef(cython.pointer(PyObject))


def await_(awaitable):
    """Waits for something awaitable, and returns its result.

    In a green thread, only that thread waits. In an OS thread without a running loop, that OS
    thread does, and the loop of the future, or the process's background loop, does the work.

    Parameters:
        awaitable: a coroutine, future or task, anything with `__await__`; a
            `concurrent.futures.Future`; a Twisted `Deferred`; a generator that yields any of these.

    Raises:
        BlockingSwitchOutError: a loop runs in this thread, and this is no green thread: waiting
            here would stop the loop.
        TypeError: `awaitable` is nothing of that kind.
        BaseException: what the awaitable raises.
    """
    if not in_green_call():
        return await_outside(awaitable)
    kind = type(awaitable)
    if kind is FUTURE_TYPE or kind is TASK_TYPE:
        return _wait_for_future(awaitable)
    if kind is COROUTINE_TYPE or isinstance(awaitable, Wait):
        return drive(awaitable)
    if getattr(awaitable, "_asyncio_future_blocking", None) is not None:
        return _wait_for_future(awaitable)
    return drive(as_iterator(awaitable))


@cython.cfunc
def _wait_for_future(future):
    if not future.done():
        future._asyncio_future_blocking = True
        Py_DECREF(cython.cast(object, wait_in_current(cython.cast(Pointer, future))))
    return future.result()


@cython.cfunc
def _let_others_run():
    Py_DECREF(cython.cast(object, wait_in_current(cython.cast(Pointer, None))))


def sleep(seconds=0.0):
    """Lets others run, for some time at least.

    In a green thread, only that thread sleeps. In an OS thread without a running loop, that OS
    thread does.

    Parameters:
        seconds: how long; with 0 or less, others that are ready run once before this goes on.

    Raises:
        BlockingSwitchOutError: as `await_`.
    """
    if not in_green_call():
        return sleep_outside(seconds)
    if seconds <= 0:
        _let_others_run()
        return None
    if seconds != seconds:
        raise ValueError(f"cannot sleep for {seconds!r} seconds")
    loop = events.get_running_loop()
    future = loop.create_future()
    timer = loop.call_later(seconds, END_OF_SLEEP, future, None)
    try:
        _wait_for_future(future)
    finally:
        timer.cancel()


def checkpoint():
    """Lets others run if it is time: `should_yield()`. Otherwise it goes on at once.

    This is `mainspring.checkpoint` for green threads.

    Raises:
        BlockingSwitchOutError: no green thread runs here.
    """
    if not in_green_call():
        refuse_to_block("checkpoint()", "`await mainspring.checkpoint()`")
    loop = events.get_running_loop()
    if not isinstance(loop, SliceScheduler):
        _let_others_run()
    elif loop._should_yield():
        loop._continue_soon()
        _let_others_run()


def drive(iterator):
    """Runs what a coroutine or an iterator of futures has to do within the current green call."""
    sent: object = None
    error: object = None
    result: Pointer
    status: SendResult
    while True:
        if error is not None:
            try:
                yielded = _throw(iterator, error)
            except StopIteration as stop:
                return stop.value
            error = None
        else:
            result = cython.NULL
            status = PyIter_Send(iterator, cython.cast(Pointer, sent), cython.address(result))
            if status == PYGEN_ERROR:
                raise PyErr_GetRaisedException()
            yielded = cython.cast(object, result)
            Py_DECREF(yielded)
            if status == PYGEN_RETURN:
                return yielded
        try:
            result = wait_in_current(cython.cast(Pointer, yielded))
            sent = cython.cast(object, result)
            Py_DECREF(sent)
        except BaseException as exc:
            error = exc


@cython.cfunc
def _throw(iterator, error):
    """Throws into an iterator as `yield from` does."""
    if isinstance(error, GeneratorExit):
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
        raise error
    throw = getattr(iterator, "throw", None)
    if throw is None:
        raise error
    return throw(error)


set_green(in_green_call, await_)
