"""Mainspring: one prioritised event loop for every way that Python code waits."""

# The core first: it says so where there can be no loop, in a subinterpreter.
from mainspring import core, green, patch, sync  # noqa: F401
from mainspring.core.priority import Priority, priority
from mainspring.green.calls import spawn
from mainspring.green.from_thread import from_thread
from mainspring.green.run import run
from mainspring.green.waiting import await_, sleep
from mainspring.loop.idle import IdleExecutor
from mainspring.loop.loop import Loop, new_event_loop
from mainspring.loop.priorities import effective_priority, get_priority, set_priority
from mainspring.loop.scheduler_stats import SchedulerStats
from mainspring.loop.slices import checkpoint, should_yield, time_remaining

__all__ = [
    "IdleExecutor",
    "Loop",
    "Priority",
    "SchedulerStats",
    "__version__",
    "await_",
    "checkpoint",
    "effective_priority",
    "from_thread",
    "get_priority",
    "green",
    "new_event_loop",
    "patch",
    "priority",
    "run",
    "set_priority",
    "should_yield",
    "sleep",
    "spawn",
    "sync",
    "time_remaining",
]

__version__ = "0.1.0"
