"""Primitives that every model waits on: coroutines, green threads, OS threads and callbacks."""

from asyncio import QueueEmpty, QueueFull

from mainspring.sync.condition import Condition
from mainspring.sync.errors import QueueShutDown
from mainspring.sync.event import Event
from mainspring.sync.lock import Lock, RLock
from mainspring.sync.queues import LifoQueue, PriorityQueue, Queue
from mainspring.sync.result import AsyncResult
from mainspring.sync.semaphore import BoundedSemaphore, Semaphore

__all__ = [
    "AsyncResult",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "RLock",
    "Semaphore",
]
