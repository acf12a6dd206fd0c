"""`ObservedScheduler`: what can be read of a scheduler, and the bounds that can be set.

The invariant: `is_observed` is true exactly while a runnable needs more than to be run, which is
in debug mode and while something is measured that needs the clock for each; a loop that nobody
observes asks this one flag a callback.
"""

import cython
from cython.cimports.mainspring.core.level import LOW_LEVEL
from cython.cimports.mainspring.core.run_queue import EVERY_LEVEL
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.core.timers import to_nanoseconds


class ObservedScheduler(Scheduler):
    """A scheduler with statistics and with bounds for waiting."""

    @property
    def low_max_wait(self):
        """Seconds for which LOW may be locked out; then its oldest runs, alone. None: for ever."""
        return None if self.low_limit < 0 else self.low_limit / 1e9

    @low_max_wait.setter
    def low_max_wait(self, seconds):
        self.low_limit = as_limit(seconds, "low_max_wait")

    @property
    def lock_out_duration(self):
        """Seconds for which DEFAULT may be locked out before it is reported. None: for ever."""
        return None if self.lock_out.limit < 0 else self.lock_out.limit / 1e9

    @lock_out_duration.setter
    def lock_out_duration(self, seconds):
        self.lock_out.limit = as_limit(seconds, "lock_out_duration")

    def _read_statistics(self, restart_maxima: cython.bint):
        """Returns the statistics as a dict; see `Statistics.read`."""
        return self.statistics.read(self.queue, restart_maxima)

    def _measure(self, run_times, waits):
        """Begins or ends measuring run times and waits; None leaves it as it is."""
        if run_times is not None:
            self.statistics.measures_run_times = bool(run_times)
        if waits is not None and bool(waits) != self.statistics.measures_waits:
            self.statistics.measures_waits = bool(waits)
            self.statistics.measures_waits_from = self.clock.now()
            self.queue.timed_levels = EVERY_LEVEL if waits else 1 << LOW_LEVEL
        self.observe()

    def observe(self):
        """Sees to it that runnables are run with all that is asked for."""
        self.is_observed = (
            self.is_debug or self.statistics.measures_run_times or self.statistics.measures_waits
        )
        return 0


def as_limit(seconds, name: str):
    """Returns a limit in nanoseconds, -1 for none."""
    if seconds is None:
        return -1
    try:
        number = float(seconds)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number of seconds or None, not {seconds!r}") from None
    if not number >= 0:
        raise ValueError(f"{name} must be 0 seconds or more, or None, not {seconds!r}")
    return to_nanoseconds(number) if number < 9e9 else -1
