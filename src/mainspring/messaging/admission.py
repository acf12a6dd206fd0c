"""`Admission`: which calls run now, and which wait for others to end.

Each call takes a place under every `Cap` of its method: the server's, the thread pool's, the
method's own. One that finds no place waits, in its method's heap: the most urgent first, then in
order of arrival. When a place is freed, the most urgent call that finds a place now is next,
whatever its method.
"""

import heapq

import cython

__all__ = ["Admission", "Cap"]

heappush = cython.declare(object, heapq.heappush)
heappop = cython.declare(object, heapq.heappop)


class Cap:
    """At most so many at once.

    Parameters:
        limit: 1 or more.

    Attributes:
        running: how many there are now.
    """

    def __init__(self, limit):
        if limit < 1:
            raise ValueError(f"a limit must be 1 or more, not {limit!r}")
        self.limit = limit


class Admission:
    """Places, and those who wait for one: jobs of methods that have a list of `caps`."""

    def __init__(self):
        self.heaps = {}
        self.methods = {}

    def enter(self, job, method, rank):
        """Takes a place for a job, or has it wait.

        Parameters:
            job: what wants to run.
            method: its method.
            rank: its priority: a lower one is more urgent.

        Returns:
            True if it has its place; False if it waits.
        """
        cap: Cap
        caps: list = method.caps
        for cap in caps:
            if cap.running >= cap.limit:
                key = id(method)
                self.methods[key] = method
                self.arrivals += 1
                heappush(self.heaps.setdefault(key, []), (rank, self.arrivals, job))
                return False
        for cap in caps:
            cap.running += 1
        return True

    def leave(self, method):
        """Gives back the place of a job that has ended."""
        cap: Cap
        caps: list = method.caps
        for cap in caps:
            cap.running -= 1

    def next(self):
        """Returns the next job that gets a place, which is its own now; None if there is none."""
        cap: Cap
        heap: list
        if not self.heaps:
            return None
        best = None
        for key, heap in self.heaps.items():
            if best is not None and self.heaps[best][0] < heap[0]:
                continue
            for cap in self.methods[key].caps:
                if cap.running >= cap.limit:
                    break
            else:
                best = key
        if best is None:
            return None
        heap = self.heaps[best]
        job = heappop(heap)[2]
        if not heap:
            del self.heaps[best]
        for cap in self.methods[best].caps:
            cap.running += 1
        return job

    def waiting(self):
        """Returns those who wait, in no order."""
        return [job for heap in self.heaps.values() for _, _, job in heap]
