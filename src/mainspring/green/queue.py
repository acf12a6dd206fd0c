"""The stdlib's `queue`, context-sensitive: in a green thread only that green thread waits.

Its classes with the locks and conditions of `mainspring.green.threading`; names, signatures and
errors are its own.
"""

import queue as original
from queue import Empty, Full
from typing import Any

from mainspring.green.threading import Condition, Lock, Semaphore

__all__ = ["Empty", "Full", "LifoQueue", "PriorityQueue", "Queue", "SimpleQueue"]

if hasattr(original, "ShutDown"):
    ShutDown = original.ShutDown
    __all__ += ["ShutDown"]


class Queue[T](original.Queue[T]):
    """As `queue.Queue`.

    Parameters:
        maxsize: how many items it takes before `put` waits; any number with 0 or less.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.mutex: Any = Lock()
        self.not_empty = Condition(self.mutex)
        self.not_full = Condition(self.mutex)
        self.all_tasks_done = Condition(self.mutex)


class PriorityQueue[T: Any](Queue[T], original.PriorityQueue[T]):
    """As `queue.PriorityQueue`."""


class LifoQueue[T](Queue[T], original.LifoQueue[T]):
    """As `queue.LifoQueue`."""


class SimpleQueue[T](original._PySimpleQueue):  # type: ignore[name-defined, misc]
    """As `queue.SimpleQueue`."""

    def __init__(self) -> None:
        super().__init__()
        self._count = Semaphore(0)
