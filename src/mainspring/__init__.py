"""Mainspring: one prioritised event loop for every way that Python code waits."""

from mainspring import sync
from mainspring.core.priority import Priority, priority
from mainspring.loop.idle import IdleExecutor
from mainspring.loop.loop import Loop, new_event_loop
from mainspring.loop.priorities import effective_priority, get_priority, set_priority
from mainspring.loop.run import run
from mainspring.loop.scheduler_stats import SchedulerStats
from mainspring.loop.slices import checkpoint, should_yield, time_remaining

__all__ = [
    "IdleExecutor",
    "Loop",
    "Priority",
    "SchedulerStats",
    "__version__",
    "checkpoint",
    "effective_priority",
    "get_priority",
    "new_event_loop",
    "priority",
    "run",
    "set_priority",
    "should_yield",
    "sync",
    "time_remaining",
]

__version__ = "0.1.0"
