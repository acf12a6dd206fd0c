"""The five priorities, and the context variable that names one.

A priority is said with a keyword (`call_soon(f, priority=...)`) or, for everything that is
scheduled from within a block, with `with priority(p):`. The block sets a context variable, so it
reaches what libraries schedule and what tasks started in it schedule in turn. Until a block or a
task names one, schedulers look no context up: a program without priorities doesn't pay for them.
"""

import enum
from contextvars import ContextVar

import cython
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL, LEVELS


class Priority(enum.IntEnum):
    """How soon queued work runs: a lower value runs sooner.

    Between levels the order is strict: nothing runs while something more urgent is ready.
    """

    URGENT = -2
    HIGH = -1
    DEFAULT = 0
    LOW = 1
    IDLE = 2


MEMBERS = cython.declare(tuple, tuple(Priority))

current_priority = ContextVar("mainspring.priority")

is_any_named = False
on_raise = None


def name_any():
    """Has schedulers look priorities up from now on."""
    global is_any_named
    is_any_named = True


def name_priority(context, value):
    """Makes `value` the priority that `context` names; for a task that is about to start."""
    named = Priority(level_of(value) - DEFAULT_LEVEL)
    name_any()
    context.run(current_priority.set, named)


class priority:  # in lower case, because it reads as a statement: `with priority(p):`
    """Context manager: what is scheduled inside the block has priority `p` unless it says its own.

    Parameters:
        p: a `Priority`, or an int with the value of one.

    Raises:
        ValueError: `p` is not one of the five levels.
    """

    __slots__ = ("_priority", "_token")

    def __init__(self, p):
        self._priority = Priority(level_of(p) - DEFAULT_LEVEL)
        self._token = None

    def __enter__(self):
        name_any()
        self._token = current_priority.set(self._priority)
        if self._priority < 0 and on_raise is not None:
            on_raise()
        return self._priority

    def __exit__(self, exc_type, exc, traceback):
        current_priority.reset(self._token)
        self._token = None


def is_named():
    """Returns True once any priority was named."""
    return is_any_named


def call_on_raise(hook):
    """Has `hook()` called whenever a block has named a priority above DEFAULT."""
    global on_raise
    on_raise = hook


def priority_level(priority):
    """Returns the level of a priority; of the one that the current context names for None."""
    if priority is not None:
        return level_of(priority)
    return level_of(current_priority.get(Priority.DEFAULT))


def level_of(priority):
    """Returns the level of a `Priority` or of an int with the value of one."""
    try:
        level = int(priority) + DEFAULT_LEVEL
    except (TypeError, ValueError):
        level = -1
    if level < 0 or level > IDLE_LEVEL:
        raise ValueError(
            f"priority must be a mainspring.Priority, from URGENT (-2) to IDLE (2), "
            f"not {priority!r}"
        )
    return level


def level_in(context):
    """Returns the level that a `contextvars.Context` names, DEFAULT_LEVEL when it names none."""
    if not is_any_named:
        return DEFAULT_LEVEL
    level: cython.int
    priority = context.get(current_priority)
    if priority is None:
        return DEFAULT_LEVEL
    # By identity, which almost always tells: to ask an enum's member for its number is a call.
    for level in range(cython.cast(cython.int, LEVELS)):
        if MEMBERS[level] is priority:
            return level
    return level_of(priority)
