"""The priority of a task: set, read, and read as it is in force with what others lend."""

import asyncio
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.task_scheduler import TaskScheduler

__all__ = ["effective_priority", "get_priority", "set_priority"]


def set_priority(task: asyncio.Task[Any], priority: Priority | int) -> None:
    """Sets the priority of a task, in whatever state it is, for all its steps from now on.

    A step that is queued moves to the end of its new level; one that runs ends as it began. What
    the task's context names, and so the priority of what it starts, stays as it is. On a task that
    is done it has no effect.

    Parameters:
        task: a task of one of our loops.
        priority: a `Priority`.

    Raises:
        RuntimeError: the task's loop runs in another thread, or knows no priorities (asyncio's).
        TypeError: `task` is no task.
        ValueError: `priority` is not one of the five.
    """
    _loop_of(task)._set_task_priority(task, priority)


def get_priority(task: asyncio.Task[Any]) -> Priority:
    """Returns the priority of a task: what `set_priority` said, else what its context names.

    Raises:
        RuntimeError: the task's loop knows no priorities (asyncio's).
        TypeError: `task` is no task.
    """
    return _loop_of(task)._get_task_priority(task)


def effective_priority(task: asyncio.Task[Any]) -> Priority:
    """Returns the priority at which a task runs: its own, or a more urgent one that it is lent.

    Raises:
        RuntimeError: the task's loop knows no priorities (asyncio's).
        TypeError: `task` is no task.
    """
    return _loop_of(task)._get_effective_priority(task)


def _loop_of(task: asyncio.Task[Any]) -> TaskScheduler:
    if not isinstance(task, (asyncio.Task, asyncio.tasks._PyTask)):  # type: ignore[attr-defined]
        raise TypeError(
            f"an asyncio.Task was expected, got {task!r}; for a callback give priority= to the "
            f"call that schedules it"
        )
    loop = task.get_loop()
    if not isinstance(loop, TaskScheduler):
        raise RuntimeError(
            f"{task!r} has no priority: its loop, {loop!r}, is not Mainspring's; run it with "
            f"mainspring.run() or mainspring.new_event_loop()"
        )
    return loop
