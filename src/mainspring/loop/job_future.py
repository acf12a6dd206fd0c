"""`JobFuture`: a future whose job is told how urgent those are that wait for it.

A plain future says nothing of who completes it, so what a task lends ends there. This one has a
party that stands for its job, to which tasks lend as they do to a task they wait for. Only waiting
lends here, so the job is told URGENT, HIGH, or IDLE when nobody above DEFAULT waits.
"""

from asyncio import futures

from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL
from cython.cimports.mainspring.loop.inheritance import Lending

from mainspring.core.priority import Priority


class JobParty:
    """A job among the tasks that lend their priorities."""

    def __cinit__(self, lending: Lending, tell):
        self.lending = lending
        self.tell = tell
        self.base = IDLE_LEVEL
        self.level = IDLE_LEVEL

    def changed(self):
        if self.tell is not None:
            self.tell(Priority(self.level - DEFAULT_LEVEL))
        return 0

    def forget(self, future):
        """The future is done: nobody waits, and there is nobody to be told any more."""
        if self.tell is not None:
            self.tell(Priority.IDLE)
        self.tell = None


class JobFuture(futures.Future):
    """A future of a loop, to be completed by a job.

    Parameters:
        loop: the loop.
        lending: the loop's.
        tell: called with the `Priority` of the most urgent waiter whenever it is another one.
    """

    def __init__(self, loop, lending, tell):
        super().__init__(loop=loop)
        self._job_party = JobParty(lending, tell)
        # Or a job that refers to its future would never be freed without the collector.
        self.add_done_callback(self._job_party.forget)
