"""`Statistics`: what the scheduler counts, in one C structure.

Counts are kept always, as one instruction where the thing counted happens; the clock is read
around a sleep only. Two kinds of figures need it for each callback, and are kept while they are
asked for: how long callbacks run, and how long they wait in the run queue.

The invariant: all of the structure is written and read with the GIL held, and read by one copy of
the whole, so a snapshot taken by another thread is one moment's too. Another count is a member of
`Counters`, added to where the thing happens, and a field of `SchedulerStats`.
"""

import cython
from cython.cimports.mainspring.core.clock import Clock
from cython.cimports.mainspring.core.level import LEVELS
from cython.cimports.mainspring.core.run_queue import RunQueue
from cython.cimports.mainspring.core.runnable import Runnable


class Statistics:
    """The counters of one scheduler, and what is measured besides."""

    def __cinit__(self, clock: Clock):
        self.clock = clock
        self.longest_names = [None] * LEVELS

    def note_depth(self, level: cython.int, depth: cython.ulonglong):
        """Takes note of how many stood at a level when a batch of it began."""
        if depth > self.counters.queued_max[level]:
            self.counters.queued_max[level] = depth

    def begin_running(self, ticks: cython.ulonglong):
        self.running_since = ticks

    def end_running(self, ticks: cython.ulonglong):
        # It may end without a beginning, where beginning failed.
        if self.running_since:
            self.counters.running += ticks - self.running_since
            self.running_since = 0

    def begin_sleep(self, ticks: cython.ulonglong):
        self.counters.sleeps += 1
        self.asleep_since = ticks

    def end_sleep(self, ticks: cython.ulonglong):
        self.counters.asleep += ticks - self.asleep_since
        self.asleep_since = 0

    def note_wait(self, runnable: Runnable, now: cython.longlong):
        """Counts how long a runnable that now begins stood in the run queue."""
        # One that was queued before waits were measured has the time of another life, or none.
        if runnable.queued_at >= self.measures_waits_from:
            self.counters.waits[runnable.level][bucket_of(now - runnable.queued_at)] += 1

    def note_run(self, level: cython.int, took: cython.ulonglong):
        """Counts the time that a callback took. Returns True if none of its level took longer."""
        self.counters.timed_runs[level] += 1
        self.counters.run_time[level] += took
        if took <= self.counters.longest_run[level]:
            return False
        self.counters.longest_run[level] = took
        return True

    def run(self, runnable: Runnable, loop, is_debug: cython.bint):
        """Runs a runnable, and measures what is asked for.

        Parameters:
            runnable: what was taken from the run queue.
            loop: tells what ran longest, and runs it in debug mode.
            is_debug: whether the loop is in debug mode.
        """
        # Kept here, because it may be cancelled, or queued at another level, while it runs.
        callback = runnable.callback
        level: cython.int = runnable.level
        began: cython.ulonglong
        if self.measures_waits:
            self.note_wait(runnable, self.clock.now())
        began = self.clock.ticks() if self.measures_run_times else 0
        try:
            if is_debug:
                loop._run_in_debug(runnable)
            else:
                runnable.run()
        finally:
            if began and self.note_run(level, self.clock.ticks() - began):
                self.longest_names[level] = loop._describe_run(runnable, callback)
        return 0

    def read(self, queue: RunQueue, restart_maxima: cython.bint):
        """Returns everything by name, spans in seconds and what stands in the queue now.

        Parameters:
            queue: whose runnables are counted, one by one.
            restart_maxima: True to begin anew with what is the most or the longest.
        """
        level: cython.int
        # All that is read is read before an object is made: that may let another thread in.
        counters: Counters = self.counters
        ticks: cython.ulonglong = self.clock.ticks()
        now: cython.longlong = self.clock.now()
        queued: cython.ulonglong[5]
        if self.running_since:
            counters.running += ticks - self.running_since
        if self.asleep_since:
            counters.asleep += ticks - self.asleep_since
        for level in range(cython.cast(cython.int, LEVELS)):
            queued[level] = queue.count(level)
            counters.queued_max[level] = max(counters.queued_max[level], queued[level])
            if restart_maxima:
                self.counters.queued_max[level] = 0
                self.counters.longest_run[level] = 0
        names: list = self.longest_names
        if restart_maxima:
            self.longest_names = [None] * LEVELS
        found: dict = counters
        found["queued"] = queued
        found["longest_names"] = list(names)
        found["time"] = now / 1e9
        found["running"] = self.clock.seconds_in(counters.running)
        found["asleep"] = self.clock.seconds_in(counters.asleep)
        found["run_time"] = [self.clock.seconds_in(ticks) for ticks in counters.run_time]
        found["longest_run"] = [self.clock.seconds_in(ticks) for ticks in counters.longest_run]
        return found


def bucket_of(nanoseconds: cython.longlong):
    """Returns the place of a span in a histogram: 0 below 1 us, n from 2**(n-1) us to 2**n us."""
    microseconds: cython.longlong = nanoseconds // 1000
    bucket: cython.int = 0
    while microseconds > 0 and bucket < BUCKETS - 1:
        microseconds >>= 1
        bucket += 1
    return bucket
