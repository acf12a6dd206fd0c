"""Futures and tasks of a loop. The functions are methods of `Loop`.

Tasks and futures stay asyncio's own, looked up at each call: as with asyncio's loop, a program may
replace `asyncio.tasks.Task` and `asyncio.futures.Future`. A task's priority is a variable in the
task's context: its steps and wake-ups are scheduled in that context, and what the task starts
inherits it.
"""

import sys
from asyncio import futures, tasks

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.core.capi import PyContext_CopyCurrent
from cython.cimports.mainspring.core.priority import is_any_named
from cython.cimports.mainspring.loop.task_scheduler import TaskScheduler

from mainspring.core.priority import name_priority

# Since 3.13.3 a factory gets `name` and `context` as the caller gave them, and names the task.
factory_takes_all = sys.version_info >= (3, 13, 3)

future_names = vars(futures)
task_names = vars(tasks)


@cython.cfunc
@cython.exceptval(check=False)
def _keep(call: cython.pointer(PyObject)) -> cython.pointer(PyObject):
    return call


swap_green_call = _keep


def set_swap(swap):
    """Says how the green call that runs in this thread is put aside, and back."""
    global swap_green_call
    swap_green_call = swap
    return 0


def create_future(self):
    """Returns an `asyncio.Future` of this loop."""
    return future_names["Future"](loop=self)


def create_task(self, coro, *, name=None, context=None, priority=None, **kwargs):
    """Starts a coroutine as an `asyncio.Task`.

    Parameters:
        coro: the coroutine.
        name: the task's name.
        context: the `contextvars.Context` it runs in; a copy of the current one by default.
        priority: a `Priority` for all its steps and for what it starts; by default what the context
            names. It is set in `context`.
        kwargs: passed on to the task factory, or to `asyncio.Task` (`eager_start`).

    Raises:
        RuntimeError: the loop is closed.
        TypeError: `coro` is not a coroutine.
        ValueError: `priority` is not one of the five.
    """
    if self.is_closed():
        raise RuntimeError("Event loop is closed")
    if priority is not None:
        if context is None:
            context = PyContext_CopyCurrent()
        name_priority(context, priority)
    factory = self._task_factory
    if factory is None and not kwargs:
        task = task_names["Task"](coro, loop=self, name=name, context=context)
    else:
        # A task that is started eagerly runs here, and is no part of the green call that starts it.
        outer = swap_green_call(cython.NULL)
        try:
            task = _make_task(self, factory, coro, name, context, kwargs)
        finally:
            swap_green_call(outer)
    if is_any_named:
        cython.cast(TaskScheduler, self).has_started(task)
    return task


@cython.cfunc
def _make_task(loop, factory, coro, name, context, kwargs: dict):
    if factory is None:
        return task_names["Task"](coro, loop=loop, name=name, context=context, **kwargs)
    if context is not None:
        kwargs["context"] = context
    if factory_takes_all:
        if name is not None:
            kwargs["name"] = name
        return factory(loop, coro, **kwargs)
    task = factory(loop, coro, **kwargs)
    if name is not None and hasattr(task, "set_name"):
        task.set_name(name)
    return task


def set_task_factory(self, factory):
    """Sets what makes tasks, called as `factory(loop, coro, **kwargs)`; None for `asyncio.Task`.

    Raises:
        TypeError: `factory` is neither a callable nor None.
    """
    if factory is not None and not callable(factory):
        raise TypeError(f"task factory must be a callable or None, got {factory!r}")
    self._task_factory = factory


def get_task_factory(self):
    """Returns the task factory, None for `asyncio.Task`."""
    return self._task_factory
