"""Mainspring: one prioritised event loop for every way that Python code waits."""

from mainspring.core.priority import Priority, priority
from mainspring.loop.idle import IdleExecutor
from mainspring.loop.loop import Loop, new_event_loop
from mainspring.loop.run import run
from mainspring.loop.scheduler_stats import SchedulerStats

__all__ = [
    "IdleExecutor",
    "Loop",
    "Priority",
    "SchedulerStats",
    "__version__",
    "new_event_loop",
    "priority",
    "run",
]

__version__ = "0.1.0"
