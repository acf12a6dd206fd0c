"""`SliceScheduler`: how long what runs now may go on before the loop should look at its sockets.

A slice is what is left of the quantum of the batch that runs; the loop cuts the batch after that
anyway. An idle callback is a batch of its own, and long: the loop looks at its sockets from
within, whenever the callback asks.
"""

import cython
from cython.cimports.mainspring.core.level import IDLE_LEVEL, LOW_LEVEL
from cython.cimports.mainspring.core.priority import name_any
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.timers import TimerHandle
from cython.cimports.mainspring.loop.task_scheduler import TaskParty, TaskScheduler

# Seconds: what somebody who is in front of a screen doesn't notice.
IDLE_SLICE = cython.declare(cython.double, 0.05)


class SliceScheduler(TaskScheduler):
    """A scheduler that is asked whether to give way."""

    def running_level(self):
        """Returns the level of what runs now, -1 for nothing."""
        if self.running == cython.NULL:
            return -1
        running: Runnable = cython.cast(Runnable, self.running)
        if isinstance(running.owner, TaskParty):
            return cython.cast(TaskParty, running.owner).level
        return running.level

    def _should_yield(self):
        """Returns True when what runs now should give way to others."""
        return self._time_remaining() <= 0.0

    def _time_remaining(self):
        """Returns the seconds left of the slice of what runs now; 0.0 when it should give way."""
        level: cython.int = self.running_level()
        second: cython.double = self.clock.ticks_in(1_000_000_000)
        timer: TimerHandle
        left: cython.double
        now: cython.ulonglong
        if level < 0 or self.is_urged(level):
            return 0.0
        now = self.clock.ticks()
        left = (self.quantum if level < LOW_LEVEL else self.low_quantum) / second
        if level == IDLE_LEVEL:
            left = IDLE_SLICE
            if now - max(self.batch_began, self.looked_at) > self.low_quantum:
                # An idle slice is long, so what it is to give way to is looked for from within.
                self.looked_at = now
                self.poll(0)
                self.collect()
                if self.is_urged(level):
                    return 0.0
            timer = self.timers.first()
            if timer is not None:
                left = min(left, timer.when_seconds - self.clock.now() / 1e9)
        return max(0.0, left - (now - self.batch_began) / second)

    def is_urged(self, level: cython.int):
        """Returns True when something more urgent than a level is queued, or was sent."""
        return self.queue.has_above(level) or self.inbox.has_above(level)

    def _continue_soon(self):
        """Has the step that runs now go on before what came to its level in its slice."""
        # Asked for by name: what is queued next without a priority has to pass by here.
        name_any()
        # A stopping loop doesn't cut its batch: it would go on for ever there.
        self.is_continuing = not self.is_stopping
