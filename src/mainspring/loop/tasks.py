"""Futures and tasks of a loop. The functions are methods of `Loop`.

Tasks and futures stay asyncio's own, looked up at each call: as with asyncio's loop, a program may
replace `asyncio.tasks.Task` and `asyncio.futures.Future`. A task's priority is a variable in the
task's context: its steps and wake-ups are scheduled in that context, and what the task starts
inherits it.
"""

import sys
from asyncio import futures, tasks

import cython
from cython.cimports.mainspring.core.capi import PyContext_CopyCurrent
from cython.cimports.mainspring.core.priority import is_any_named
from cython.cimports.mainspring.loop.task_scheduler import TaskScheduler

from mainspring.core.priority import name_priority

# Since 3.13.3 a factory gets `name` and `context` as the caller gave them, and names the task.
factory_takes_all = sys.version_info >= (3, 13, 3)

future_names = vars(futures)
task_names = vars(tasks)


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
    if factory is None:
        task = task_names["Task"](coro, loop=self, name=name, context=context, **kwargs)
    elif factory_takes_all:
        if name is not None:
            kwargs["name"] = name
        if context is not None:
            kwargs["context"] = context
        task = factory(self, coro, **kwargs)
    else:
        if context is not None:
            kwargs["context"] = context
        task = factory(self, coro, **kwargs)
        if name is not None and hasattr(task, "set_name"):
            task.set_name(name)
    if is_any_named:
        cython.cast(TaskScheduler, self).has_started(task)
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
