"""`WatcherLoop`: what a loop of gevent's does in each iteration of the scheduler below it.

Before the poll: fork and prepare watchers, the fds that were stopped, and the question whether
anything is left to wait for. After it: check watchers. The invariant: `active` is the number of
started watchers with `ref`, and of `ref()` less `unref()`; at 0, with nothing queued and nothing of
asyncio's alive, the loop ends, which gevent tells its user by LoopExit.
"""

import cython
from cython.cimports.mainspring.compat.gevent.callbacks import CallbackQueue
from cython.cimports.mainspring.compat.gevent.events import Event, IoEvent, Target
from cython.cimports.mainspring.core.capi import PyErr_GetRaisedException
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL
from cython.cimports.mainspring.core.phases import Phases, chain_with, chain_without
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.watching import WatchScheduler


class IdleTurn(Runnable):
    """Stands at IDLE while idle watchers are started; a turn is theirs of the highest priority."""

    def run(self):
        event: Event
        idles: list = self.idles[:]
        highest: cython.int = -2
        for event in idles:
            highest = max(highest, event.priority)
        for event in idles:
            if event.priority == highest:
                fire(event)
        if self.idles:
            self.scheduler.queue.push(self, IDLE_LEVEL)
        return 0

    def _describe_callback(self):
        return "gevent's idle watchers"


class WatcherLoop(Phases):
    """The compiled part of a loop of gevent's.

    Parameters:
        scheduler: the loop on which this one runs.
    """

    def __init__(self, scheduler: WatchScheduler):
        self.scheduler = scheduler
        self.callbacks = CallbackQueue.__new__(CallbackQueue)
        self.callbacks.loop = scheduler
        self.callbacks.scheduler = scheduler
        self.callbacks.report = self._report
        self.idle_turn = IdleTurn.__new__(IdleTurn)
        self.idle_turn.loop = scheduler
        self.idle_turn.scheduler = scheduler
        self.idle_turn.idles = []
        self.prepares = []
        self.checks = []
        self.forks = []
        self.stopped = []
        self.files = []
        self.kept = set()
        scheduler.phases = chain_with(scheduler.phases, self)

    def run_callback(self, func, *args):
        """Has a function called soon, in order of these calls.

        Returns:
            A `callback`, by which that can be prevented.

        Raises:
            ValueError: the loop was destroyed.
            TypeError: `func` is None.
        """
        self.check_alive()
        if func is None:
            raise TypeError("a function was expected by run_callback(), got None")
        return self.callbacks.add(func, args)

    def run_callback_threadsafe(self, func, *args):
        """Does what `run_callback` does, from any thread, and wakes the loop if it sleeps."""
        added = self.run_callback(func, *args)
        self.wake()
        return added

    def ref(self):
        """Keeps the loop from ending for want of watchers, until `unref()`."""
        self.active += 1

    def unref(self):
        """Takes one `ref()` back."""
        self.active -= 1

    def closing_fd(self, fd: cython.int):
        """Queues the watchers of an fd that is about to be closed.

        Returns:
            True if there are any; the fd must stay open until they have run then.
        """
        found: cython.bint = False
        self.check_alive()
        watcher: Watcher = self.scheduler.fds.first(fd)
        while watcher is not None:
            if isinstance(watcher, IoEvent):
                event: IoEvent = cython.cast(IoEvent, watcher)
                if event.target is not None:
                    event.ready |= event.interest
                    self.queue_event(event, event.base_level)
                    found = True
            watcher = watcher.sibling
        return found

    def before_poll(self):
        event: Event
        file: IoEvent
        if self.is_forked:
            self.is_forked = False
            for event in self.forks[:]:
                fire(event)
        if self.prepares:
            for event in self.prepares[:]:
                fire(event)
        if self.stopped:
            self.sweep()
        if self.files:
            for file in self.files:
                file.ready |= file.interest
                self.queue_event(file, file.base_level)
        if self.runs > 0 and self.active <= 0 and not self.is_anything_alive():
            self.scheduler.is_stopping = True
        return 0

    def after_poll(self):
        event: Event
        if self.checks:
            for event in self.checks:
                self.queue_event(event, event.base_level)
        return 0

    def sweep(self):
        """Ends the registrations of watchers that were stopped and not started again."""
        event: IoEvent
        stopped: list = self.stopped
        self.stopped = []
        for event in stopped:
            event.is_listed = False
            if event.target is None:
                self.scheduler.fds.remove(event)
        return 0

    def is_anything_alive(self):
        """Returns True while something is queued, or asyncio's side waits for anything."""
        return (
            self.scheduler.queue.highest() >= 0
            or self.scheduler.inbox.mask != 0
            or self.are_timers_alive()
            or self.are_fds_alive()
            or self._are_tasks_alive()
        )

    def are_timers_alive(self):
        """Returns True when the heap holds a timer that isn't a watcher's."""
        heap = self.scheduler.timers
        return heap.count - heap.cancelled > self.timers

    def are_fds_alive(self):
        """Returns True when anybody but a watcher of gevent's waits for an fd."""
        fd: cython.int
        watcher: Watcher
        fds = self.scheduler.fds
        if fds.watched == 0:
            return False
        for fd in range(fds.size):
            watcher = fds.first(fd)
            while watcher is not None:
                if (
                    watcher.interest
                    and not watcher.is_internal
                    and not watcher.is_spare
                    and not isinstance(watcher, IoEvent)
                ):
                    return True
                watcher = watcher.sibling
        return False

    def _are_tasks_alive(self):
        return False

    def queue_event(self, event: Runnable, level: cython.int):
        """Puts an event on the run queue, unless it stands there."""
        if event.prev == cython.NULL:
            self.scheduler.queue.push(event, level)
        return 0

    def wake(self):
        """Ends the loop's sleep; from any thread that has the GIL."""
        if self.scheduler.inbox.is_loop_asleep:
            self.scheduler.inbox.wake()
        return 0

    def check_alive(self):
        if self.scheduler is None:
            raise ValueError("operation on destroyed loop")
        return 0

    def fail_for(self, context):
        """Reports the exception that is set."""
        self._report(context, PyErr_GetRaisedException())
        return 0

    def _report(self, context, exc):
        raise NotImplementedError

    @property
    def iteration(self):
        """How many iterations the scheduler has begun."""
        return self.scheduler.statistics.counters.iterations

    def _after_fork(self):
        """Has the fork watchers called before the next poll."""
        self.is_forked = True

    def _is_stopping(self):
        """Returns True once the scheduler was told to stop."""
        return self.scheduler.is_stopping

    def _poll_fd(self):
        """Returns the fd of the poller's set; None when it has none."""
        if self.scheduler is None:
            return None
        fileno = getattr(self.scheduler.fds.poller, "fileno", None)
        return None if fileno is None else fileno()

    def _begin(self, is_nested: cython.bint):
        """Makes ready for a run; a nested one finds the callbacks that the outer one was at."""
        self.scheduler.is_stopping = False
        self.runs += 1
        if is_nested:
            self.callbacks.is_taking = False
            if self.callbacks.first is not None:
                self.queue_event(self.callbacks, DEFAULT_LEVEL)

    def _end(self):
        """Ends a run; an outer one goes on."""
        self.runs -= 1
        if self.scheduler is not None:
            self.scheduler.is_stopping = False

    def _has_queued(self):
        """Returns True while anything but idle work is queued."""
        return -1 < self.scheduler.queue.highest() < IDLE_LEVEL

    def _drop_callbacks(self):
        """Drops the callbacks that wait."""
        self.callbacks.clear()

    def _count_queued(self):
        """Returns how many events and callbacks are queued, by counting them."""
        level: cython.int
        found = self.callbacks.count()
        for level in range(cython.cast(cython.int, IDLE_LEVEL)):
            found += self.scheduler.queue.count(level)
        return found

    def _let_go(self):
        """Parts from the scheduler."""
        self.scheduler.phases = chain_without(self.scheduler.phases, self)
        self.scheduler = None
        self.callbacks.clear()
        self.callbacks.report = None
        self.prepares = []
        self.checks = []
        self.forks = []
        self.stopped = []
        self.files = []
        self.idle_turn.idles = []
        self.kept.clear()
        self.active = 0


@cython.cfunc
@cython.exceptval(-1)
def fire(event: Event) -> cython.int:
    """Calls a watcher's callback now, if it is still started."""
    target: Target = event.target
    if target is not None:
        return target.fire(0)
    return 0
