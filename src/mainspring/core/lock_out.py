"""`LockOut`: notices when a level above DEFAULT keeps DEFAULT waiting for long.

The order between levels is strict, so a level above DEFAULT that is never empty stops everything
else. That is as promised, and hardly ever what was meant: it is reported. The clock is read only
when a batch passes DEFAULT over. A wait is that of DEFAULT's oldest runnable, told by its stamp,
and counts from when it was first passed over; so nothing needs to be told when DEFAULT runs.
"""

import cython
from cython.cimports.mainspring.core.clock import Clock
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL
from cython.cimports.mainspring.core.run_queue import RunQueue
from cython.cimports.mainspring.core.runnable import Runnable

LIMIT = 100_000_000
REPORT_EVERY = cython.declare(cython.longlong, 10_000_000_000)


class LockOut:
    """How long DEFAULT has been passed over, and whether that is to be reported."""

    def __cinit__(self):
        self.limit = LIMIT

    def pass_over(self, queue: RunQueue, clock: Clock):
        """Takes note that a batch passes DEFAULT over.

        Returns:
            For how many nanoseconds DEFAULT's oldest runnable has been passed over, if that is to
            be reported now; else 0.
        """
        now: cython.longlong
        oldest: Runnable
        if self.limit < 0:
            return 0
        oldest = queue.first(DEFAULT_LEVEL)
        if oldest is None:
            return 0
        now = clock.now()
        if oldest.stamp != self.stamp:
            self.stamp = oldest.stamp
            self.since = now
            return 0
        if now - self.since <= self.limit or now < self.silent_until:
            return 0
        self.silent_until = now + REPORT_EVERY
        return now - self.since
