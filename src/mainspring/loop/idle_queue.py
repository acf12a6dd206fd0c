"""`IdleQueue`: the jobs of an idle thread, and how urgent those are that wait for them.

The most urgent job goes first, and among equals the one that came first. A job whose waiters have
left is where it would have been. The invariant: the gate is lifted exactly while somebody urgent
waits for a job that hasn't ended. Whichever job runs then, the thread has to get on.
"""

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mainspring.core.priority import Priority

if TYPE_CHECKING:
    from mainspring.core.idle_call import IdleCall
    from mainspring.loop.idle_thread import IdleJob

__all__ = ["IdleQueue"]


class IdleQueue:
    """Jobs that are to run one at a time.

    Parameters:
        lift: called with True when somebody urgent begins to wait, with False when nobody does
            any more; in whatever thread that happens.
    """

    def __init__(self, lift: Callable[[bool], object]) -> None:
        self._lift = lift
        self._lock = threading.Lock()
        self._arrivals = itertools.count()
        self._entries = itertools.count()
        # A job has an entry for each priority that it had; those that don't hold are passed over.
        self._heap: list[tuple[int, int, int, IdleJob, IdleCall]] = []
        self._queued: dict[IdleJob, tuple[int, IdleCall]] = {}
        self._priorities: dict[IdleJob, Priority] = {}

    def add(self, job: "IdleJob", call: "IdleCall") -> None:
        """Queues a job behind those that are there."""
        with self._lock:
            self._queued[job] = next(self._arrivals), call
            self._push(job, Priority.IDLE)

    def take(self) -> tuple["IdleJob", "IdleCall"]:
        """Returns the job that is next, and its call; called at most once for each `add`."""
        with self._lock:
            while True:
                priority, _, _, job, call = heapq.heappop(self._heap)
                if job in self._queued and self._priorities.get(job, Priority.IDLE) == priority:
                    del self._queued[job]
                    return job, call

    def urge(self, job: "IdleJob", priority: Priority) -> None:
        """Has a job be as urgent as the tasks that wait for it; IDLE for none."""
        with self._lock:
            if priority is Priority.IDLE:
                self._forget(job)
            elif not job.done():
                if not self._priorities:
                    self._lift(True)
                self._priorities[job] = priority
            if job in self._queued:
                self._push(job, priority)

    def remove(self, job: "IdleJob") -> None:
        """Takes a job back that was added and not taken."""
        with self._lock:
            del self._queued[job]

    def end(self, job: "IdleJob") -> None:
        """A job is about to be done."""
        with self._lock:
            self._forget(job)

    def _forget(self, job: "IdleJob") -> None:
        if self._priorities.pop(job, None) is not None and not self._priorities:
            self._lift(False)

    def _push(self, job: "IdleJob", priority: Priority) -> None:
        arrival, call = self._queued[job]
        heapq.heappush(self._heap, (priority, arrival, next(self._entries), job, call))
