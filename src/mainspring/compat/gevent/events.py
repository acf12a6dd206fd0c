"""What stands on the run queue for a watcher of gevent's, and how its priority becomes a level.

A watcher is an object of gevent's interface that starts and stops many times; its event is what the
core knows of it: a runnable, a watcher of an fd or a timer. An event runs in the hub's greenlet and
enters no context, because greenlets have their own.

gevent's priorities (libev's, -2 to 2, higher is more urgent) only order what is ready at the same
time: nothing there locks anything out. So 2 and 1 are URGENT and HIGH here, but an event that has
run there is DEFAULT the next time: `gevent.select` watches at 2 what it reads at DEFAULT. And -1
and -2 are not LOW and IDLE, which a busy program might lock out (gevent's timeouts have -1). They
are DEFAULT behind everything that was ready with them: such an event gives way for that many
iterations.
"""

import cython
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.timers import TimerHandle
from cython.cimports.mainspring.core.watching import CallbackWatcher, WatchScheduler


class Target:
    """Whoever is told of an event."""

    def fire(self, ready: cython.int):
        """Calls the callback; `ready` is the mask of directions of an fd."""
        return 0


class Event(Runnable):
    """The event of a watcher that is neither an fd's nor a timer's."""

    def run(self):
        # Kept: it may let go of its event, and nobody else know it.
        target: Target = self.target
        if target is None:
            return 0
        if self.left > 0:
            self.left -= 1
            return give_way(self, self.loop)
        self.left = self.delay
        self.base_level = next_level(self.base_level, self.priority)
        return target.fire(0)

    def _describe_callback(self):
        return repr(self.target)


class IoEvent(CallbackWatcher):
    """The event of an fd's watcher.

    Stopped, it stays registered until the next poll: what is stopped and started again in between,
    as a socket that is received from in a loop, costs no system call.
    """

    def run(self):
        ready: cython.int = self.ready
        target: Target = self.target
        if target is None:
            self.ready = 0
            return 0
        if self.left > 0:
            self.left -= 1
            return give_way(self, self.loop)
        self.left = self.delay
        self.base_level = next_level(self.base_level, self.priority)
        self.ready = 0
        return target.fire(ready)

    def _describe_callback(self):
        return repr(self.target)


class TimerEvent(TimerHandle):
    """One expiry of a timer."""

    def run(self):
        target: Target = self.target
        if target is None:
            return 0
        if self.left > 0:
            self.left -= 1
            return give_way(self, self.loop)
        return target.fire(0)

    def _describe_callback(self):
        return repr(self.target)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def next_level(level: cython.int, priority: cython.int) -> cython.int:
    """Returns the level of an event's next run, after one at `level`."""
    return DEFAULT_LEVEL if level < DEFAULT_LEVEL else level_for(priority)


@cython.cfunc
@cython.exceptval(-1)
def give_way(event: Runnable, scheduler: WatchScheduler) -> cython.int:
    """Queues an event that runs behind all that is queued now."""
    scheduler.queue.push(event, DEFAULT_LEVEL)
    return 0


def level_for(priority: cython.int):
    """Returns the level at which an event of a libev priority is queued."""
    return DEFAULT_LEVEL - priority if priority > 0 else DEFAULT_LEVEL


def delay_for(priority: cython.int):
    """Returns for how many iterations an event of a libev priority gives way."""
    return -priority if priority < 0 else 0
