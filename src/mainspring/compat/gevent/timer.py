"""`timer`: gevent's watcher of the time. Each expiry is a timer of the scheduler's heap.

Time is always read afresh, so a timer is never early, also when a callback before it took long.
"""

import cython
from cython.cimports.mainspring.compat.gevent.events import TimerEvent, delay_for, level_for
from cython.cimports.mainspring.compat.gevent.watcher import watcher
from cython.cimports.mainspring.compat.gevent.watcher_loop import WatcherLoop
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL


class timer(watcher):  # gevent's name
    """Happens after a time, and then again and again if it repeats.

    Parameters:
        loop: the loop.
        after: seconds until the first time.
        repeat: seconds until each further time; 0 for none.
        ref: False if the loop may end although the watcher is started.
        priority: from -2 to 2, higher is more urgent.

    Raises:
        ValueError: `repeat` is negative.
    """

    def __init__(self, loop: WatcherLoop, after=0.0, repeat=0.0, ref=True, priority=None):
        if repeat < 0.0:
            raise ValueError(f"repeat must be positive or zero, not {repeat!r}")
        watcher.__init__(self, loop, ref, priority)
        self.after = after
        self.repeat = repeat

    def start(self, callback, *args, update=None):
        """Has `callback(*args)` called when the time has come; `update` makes no difference here.

        A timer that is started already goes on as it was, with this callback.
        """
        self.begin(callback, args)

    def again(self, callback, *args, update=None):
        """Starts with the repeat interval, or starts it anew; a timer without one is stopped."""
        if self.is_active:
            watcher.end(self)
        if self.repeat <= 0.0:
            return
        after: cython.double = self.after
        self.after = self.repeat
        try:
            self.begin(callback, args)
        finally:
            self.after = after

    def arm(self):
        when: cython.double = self.loop.scheduler.clock.now() / 1e9 + self.after
        self.schedule(when, level_for(self.number))
        return 0

    def schedule(self, when: cython.double, level: cython.int):
        """Has the timer expire at a time of the loop, and its event queued at a level."""
        event: TimerEvent = TimerEvent.__new__(TimerEvent)
        event.loop = self.loop.scheduler
        event.target = self
        event.left = delay_for(self.number)
        event.due_level = level
        event.when_seconds = when
        self.event = event
        self.loop.scheduler.timers.push(event)
        self.loop.timers += 1
        return 0

    def disarm(self):
        event: TimerEvent = self.event
        if event is not None:
            self.event = None
            self.loop.timers -= 1
            event.target = None
            event.cancel()
        return 0

    def fire(self, ready: cython.int):
        now: cython.double
        when: cython.double
        event: TimerEvent = self.event
        if event is None:
            return 0
        # It left the heap when it became due; the queue has kept the loop going since.
        self.loop.timers -= 1
        self.event = None
        event.target = None
        if self.repeat > 0.0:
            now = self.loop.scheduler.clock.now() / 1e9
            when = event.when_seconds + self.repeat
            # Never urgent twice running, as events are.
            self.schedule(
                max(when, now),
                DEFAULT_LEVEL if event.due_level < DEFAULT_LEVEL else level_for(self.number),
            )
        elif self.is_active:
            self.deactivate()
        return watcher.fire(self, ready)

    def is_pending(self):
        return self.event is not None and self.event.prev != cython.NULL

    @property
    def at(self):
        """The time of the loop at which it happens next; 0.0 while it is stopped."""
        return 0.0 if self.event is None else self.event.when_seconds
