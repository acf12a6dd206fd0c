"""`Admission`: which calls run now, and which wait for others to end.

Each call takes a place under every `Cap` of its method: the server's, the thread pool's, the
method's own. One that finds no place waits, in its method's heap: the most urgent first, then in
order of arrival. When a place is freed, the most urgent call that finds a place now is next,
whatever its method.
"""

import heapq
import itertools
from collections.abc import Iterable
from typing import Protocol

__all__ = ["Admission", "Cap", "Capped"]


class Cap:
    """At most so many at once.

    Parameters:
        limit: 1 or more.

    Attributes:
        running: how many there are now.
    """

    __slots__ = ("limit", "running")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a limit must be 1 or more, not {limit!r}")
        self.limit = limit
        self.running = 0


class Capped(Protocol):
    """A method, as far as it matters here."""

    caps: list[Cap]


class Admission[C: Capped, J]:
    """Places, and those who wait for one: jobs of type `J`, of methods of type `C`."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[tuple[int, int, J]]] = {}
        self._methods: dict[int, C] = {}
        self._arrivals = itertools.count()

    def enter(self, job: J, method: C, rank: int) -> bool:
        """Takes a place for a job, or has it wait.

        Parameters:
            job: what wants to run.
            method: its method.
            rank: its priority: a lower one is more urgent.

        Returns:
            True if it has its place; False if it waits.
        """
        for cap in method.caps:
            if cap.running >= cap.limit:
                key = id(method)
                self._methods[key] = method
                heap = self._waiting.setdefault(key, [])
                heapq.heappush(heap, (rank, next(self._arrivals), job))
                return False
        for cap in method.caps:
            cap.running += 1
        return True

    def leave(self, method: C) -> None:
        """Gives back the place of a job that has ended."""
        for cap in method.caps:
            cap.running -= 1

    def next(self) -> J | None:
        """Returns the next job that gets a place, which is its own now; None if there is none."""
        if not self._waiting:
            return None
        best = None
        for key, heap in self._waiting.items():
            if (best is None or heap[0] < self._waiting[best][0]) and all(
                cap.running < cap.limit for cap in self._methods[key].caps
            ):
                best = key
        if best is None:
            return None
        heap = self._waiting[best]
        job = heapq.heappop(heap)[2]
        if not heap:
            del self._waiting[best]
        for cap in self._methods[best].caps:
            cap.running += 1
        return job

    def waiting(self) -> Iterable[J]:
        """Yields those who wait, in no order."""
        for heap in self._waiting.values():
            for _, _, job in heap:
                yield job
