"""`Scheduler`: the iteration. Poll, queue what is ready, run one batch of the most urgent level.

This is the normative order of the loop, and all of it:

1. The timeout is 0 if anything is queued or the loop is stopping, else the time to the next timer,
   else for ever.
2. Poll. A look keeps the GIL, a sleep releases it.
3. Queue what other threads sent, then the ready I/O, then the due timers. Unix signals are checked
   here, because compiled callbacks never come by the interpreter's own check.
4. Take the most urgent level that is not empty. IDLE runs one runnable; any other level runs what
   was queued when the batch began, in order, until something more urgent is queued or the time
   since the poll passes the quantum. A stopping loop doesn't cut a batch at DEFAULT or above.

LOW is never locked out for longer than `low_max_wait`: its oldest runnable runs then, alone. What
the callbacks of a batch wrote is sent when the batch is over.
"""

import cython
from cython.cimports.cpython.list import PyList_GET_ITEM, PyList_GET_SIZE
from cython.cimports.cpython.mem import PyMem_RawFree, PyMem_RawMalloc
from cython.cimports.cpython.ref import Py_DECREF, PyObject
from cython.cimports.mainspring.core.capi import PyErr_CheckSignals
from cython.cimports.mainspring.core.clock import Clock
from cython.cimports.mainspring.core.fds import FdTable
from cython.cimports.mainspring.core.gate import Gate
from cython.cimports.mainspring.core.inbox import Inbox, SignalWatcher
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, IDLE_LEVEL, LOW_LEVEL
from cython.cimports.mainspring.core.lock_out import LockOut
from cython.cimports.mainspring.core.phases import Phases, prepare_sleep
from cython.cimports.mainspring.core.poller import READ
from cython.cimports.mainspring.core.priority import is_any_named
from cython.cimports.mainspring.core.run_queue import RunQueue
from cython.cimports.mainspring.core.runnable import IS_FORGOTTEN, Runnable
from cython.cimports.mainspring.core.statistics import Counters, Statistics
from cython.cimports.mainspring.core.timers import TimerHandle, TimerHeap, to_nanoseconds

QUANTUM = 5_000_000
LOW_QUANTUM = 200_000
LOW_MAX_WAIT = 1_000_000_000
SPARES = cython.declare(cython.int, 1024)


class Scheduler:
    """The run queue, what fills it, and the iteration that empties it.

    Parameters:
        poller: the `Poller` to ask; the system's best by default.
        clock: the `Clock` to go by; the monotonic clock by default.
    """

    def __cinit__(self, *args, poller=None, clock=None, **kwargs):
        # Until it is whole: whoever closes it finds nothing to do.
        self.is_shut = True
        if poller is None:
            poller = _default_poller()
        self.clock = Clock() if clock is None else clock
        self.statistics = Statistics(self.clock)
        self.lock_out = LockOut()
        self.queue = RunQueue(self.clock)
        self.timers = TimerHeap()
        self.gate = Gate()
        self.fds = FdTable(poller, self.queue)
        self.fds.poller.gate = self.gate
        self.inbox = Inbox.__new__(Inbox)
        self.fds.add(self.inbox, READ)
        self.to_flush = []
        self.interpreter = PyInterpreterState_Get()
        self.quantum = self.clock.ticks_in(QUANTUM)
        self.low_quantum = self.clock.ticks_in(LOW_QUANTUM)
        self.low_limit = LOW_MAX_WAIT
        self.is_shut = False

    def __dealloc__(self):
        PyMem_RawFree(self.read_buffer)

    def _run_iterations(self):
        """Iterates until `stop()` was called; always at least once."""
        self.iterate(True)
        while not self.is_stopping:
            self.iterate(True)

    def _run_iteration(self, may_sleep: cython.bint):
        """Iterates once."""
        self.iterate(may_sleep)

    def iterate(self, may_sleep: cython.bint):
        now: cython.longlong
        timeout: cython.longlong
        phases: Phases = self.phases
        self.statistics.counters.iterations += 1
        while phases is not None:
            phases.before_poll()
            phases = phases.following
        if other_threads_live(self.interpreter):
            now = self.clock.now()
            if self.gate.turn_is_due(now):
                # Compiled callbacks never come by the interpreter's own check: they'd keep the GIL.
                # Before the inbox is looked at, because who has a turn may leave something there.
                self.gate.give(now)
        timeout = self.time_to_sleep() if may_sleep else 0
        if timeout != 0 and self.phases is not None:
            timeout = prepare_sleep(self.phases, timeout)
        self.poll(timeout)
        self.collect()
        phases = self.phases
        while phases is not None:
            phases.after_poll()
            phases = phases.following
        try:
            self.run_batch()
        finally:
            if PyList_GET_SIZE(self.to_flush) > 0:
                self.flush_all()
        return 0

    def time_to_sleep(self):
        """Returns the poll's timeout in nanoseconds, -1 for ever."""
        timer: TimerHandle
        now: cython.longlong
        due: cython.longlong
        if self.is_stopping or self.queue.highest() >= 0 or self.inbox.mask:
            return 0
        if PyList_GET_SIZE(self.to_flush) > 0:
            return 0
        timer = self.timers.first()
        if timer is None:
            return -1
        now = self.clock.now()
        due = to_nanoseconds(timer.when_seconds)
        # Compared first: the difference to a time in the far past has no room in 64 bits.
        return due - now if due > now else 0

    def poll(self, timeout: cython.longlong):
        if timeout == 0:
            if self.fds.watched > 0:
                self.look()
            return 0
        # With no thread to give the GIL to, the look before the sleep would find nothing that the
        # sleep doesn't. Otherwise it saves a wait for the GIL when something is ready.
        if not other_threads_live(self.interpreter) or self.look() == 0:
            self.inbox.is_loop_asleep = True
            self.statistics.begin_sleep(self.clock.ticks())
            try:
                if self.fds.poller.wait(timeout, True) == 0:
                    self.statistics.counters.empty_polls += 1
            finally:
                self.inbox.is_loop_asleep = False
                self.statistics.end_sleep(self.clock.ticks())
        return 0

    def look(self):
        """Looks at the fds without waiting. Returns how many are ready."""
        count: cython.int = self.fds.poller.wait(0, False)
        self.statistics.counters.looks += 1
        self.statistics.counters.empty_polls += count == 0
        return count

    def collect(self):
        """Queues what other threads sent, then the ready I/O, then the due timers."""
        timer: TimerHandle
        now: cython.longlong
        if self.inbox.mask:
            self.inbox.drain(self.queue)
        if self.fds.poller.count > 0:
            self.fds.dispatch()
        # Only now that the wake-up bytes are read: a signal whose byte is read away after its
        # check would wait for as long as the loop sleeps.
        PyErr_CheckSignals()
        if self.timers.count > 0 and self.timers.first() is not None:
            now = self.clock.now()
            timer = self.timers.pop_due(now)
            while timer is not None:
                # Only an idle call is queued already when its time is up.
                self.statistics.counters.idle_timeouts += timer.prev != cython.NULL
                if is_any_named:
                    timer.due_level = self.due_level_for(timer)
                self.queue.push(timer, timer.due_level)
                timer = self.timers.pop_due(now)
        return 0

    def run_batch(self):
        level: cython.int = self.queue.highest()
        if level < 0:
            return 0
        if level < DEFAULT_LEVEL and self.queue.mask & (1 << DEFAULT_LEVEL):
            self.pass_over_default(level)
            # Whoever was told may have cancelled something.
            level = self.queue.highest()
            if level < 0:
                return 0
        if level < LOW_LEVEL and self.queue.mask & (1 << LOW_LEVEL) and self.low_is_overdue():
            self.statistics.counters.low_forced += 1
            self.low_ran_at = self.clock.now()
            return self.run_one(LOW_LEVEL)
        if level == IDLE_LEVEL:
            return self.run_one(IDLE_LEVEL)
        return self.run_level(level, self.queue.last_stamps[level])

    def run_level(self, level: cython.int, limit: cython.ulonglong):
        """Runs a level's first runnable, and the others with a stamp up to `limit`."""
        above: cython.uint = (1 << level) - 1
        runnable: cython.pointer(PyObject) = self.queue.take(level)
        last: cython.ulonglong = self.queue.last_stamps[level]
        counters: cython.pointer(Counters) = cython.address(self.statistics.counters)
        quantum: cython.ulonglong = self.low_quantum if level == LOW_LEVEL else self.quantum
        # No time to speak of has passed since the poll.
        began: cython.ulonglong = self.clock.ticks()
        self.statistics.note_depth(level, last + 1 - cython.cast(Runnable, runnable).stamp)
        self.batch_began = began
        self.batch_limit = last
        self.batch_level = level
        self.is_continuing = False
        while True:
            counters.runs[level] += 1
            _execute(self, runnable)
            if not self.queue.has_more(level, limit):
                return 0
            if not (self.is_stopping and level <= DEFAULT_LEVEL):
                if (self.queue.mask | self.inbox.mask) & above:
                    if self.queue.has_above(level):
                        counters.stopped_by_callback += 1
                        return 0
                    if self.inbox.has_above(level):
                        counters.stopped_by_thread += 1
                        return 0
                if self.clock.ticks() - began > quantum:
                    counters.stopped_by_quantum += 1
                    return 0
            runnable = self.queue.take(level)
        return 0

    def run_one(self, level: cython.int):
        # No stamp is so low; and `_execute`, called in one place only, is inlined there (28
        # instructions of a call_soon).
        return self.run_level(level, 0)

    def due_level_for(self, timer: TimerHandle):
        """Returns the level of a timer that is due."""
        return timer.due_level

    def ran_owned(self, runnable: Runnable):
        """Called after a runnable that somebody owns has run."""
        return 0

    def low_is_overdue(self):
        """Returns True when LOW's oldest runnable has been locked out for `low_max_wait`."""
        oldest: Runnable = self.queue.first(LOW_LEVEL)
        if oldest is None or self.low_limit < 0:
            return False
        return self.clock.now() - max(oldest.queued_at, self.low_ran_at) > self.low_limit

    def pass_over_default(self, level: cython.int):
        """Has it reported when what is more urgent keeps DEFAULT waiting for long."""
        waited: cython.longlong = self.lock_out.pass_over(self.queue, self.clock)
        if waited > 0:
            self._report_lock_out(level, waited / 1e9, self.queue.first(level))
        return 0

    def flush_later(self, runnable: Runnable):
        """Has `runnable.flush()` called when the batch is over; at once where no batch runs."""
        if self.thread == 0:
            return runnable.flush()
        self.to_flush.append(runnable)
        return 0

    def flush_all(self):
        batch: list
        done: cython.Py_ssize_t = 0
        while PyList_GET_SIZE(self.to_flush) > 0:
            # Whoever is told of a failed write may write again, to the next list.
            batch = self.to_flush
            self.to_flush = []
            done = 0
            try:
                while done < PyList_GET_SIZE(batch):
                    done += 1
                    cython.cast(Runnable, PyList_GET_ITEM(batch, done - 1)).flush()
            except BaseException:
                # Only what ends the loop; the others are flushed if it goes on.
                self.to_flush.extend(batch[done:])
                raise
        return 0

    def buffer_for_reading(self):
        """Returns the buffer that all reads go through, of READ_BUFFER_SIZE bytes."""
        if self.read_buffer == cython.NULL:
            self.read_buffer = cython.cast(cython.p_char, PyMem_RawMalloc(READ_BUFFER_SIZE))
            if self.read_buffer == cython.NULL:
                raise MemoryError
        return self.read_buffer

    def _watch_signals(self, fd: cython.int):
        """Has a byte that the interpreter writes to the other end of `fd` end the loop's sleep."""
        self.fds.add(SignalWatcher.__new__(SignalWatcher, fd), READ)

    def _pass_signals_on(self, fd: cython.int, other: cython.int):
        """Has the bytes that come from `fd` written to another fd too; to none when that is -1."""
        cython.cast(SignalWatcher, self.fds.first(fd)).pass_on(other)

    def _unwatch_signals(self, fd: cython.int):
        """Ends what `_watch_signals` began."""
        self.fds.remove(self.fds.first(fd))

    def _after_fork(self):
        """Parts from the parent: the kernel's set and the wake-up fd are shared until then."""
        if self.is_shut:
            return
        # The new set first: ending a registration in the old one would end it for the parent.
        self.fds.rebuild()
        self.fds.remove(self.inbox)
        self.inbox.renew()
        self.fds.add(self.inbox, READ)

    def _shut(self):
        """Lets go of all that is queued, pending or watched."""
        if self.is_shut:
            return
        self.is_shut = True
        self.queue.clear()
        while self.spare is not None:
            SPARE_TAKE(self)
        self.timers.clear()
        self.fds.clear()
        self.inbox.close()
        self.fds.poller.close()


@cython.cfunc
@cython.inline
@cython.exceptval(-1)
def _execute(scheduler: Scheduler, runnable: cython.pointer(PyObject)) -> cython.int:
    """Runs what was taken from the run queue, and drops the reference that came with it."""
    scheduler.running = runnable
    try:
        if scheduler.is_observed:
            scheduler.statistics.run(cython.cast(Runnable, runnable), scheduler, scheduler.is_debug)
        else:
            cython.cast(Runnable, runnable).run()
    finally:
        if cython.cast(Runnable, runnable).owner is not None:
            scheduler.ran_owned(cython.cast(Runnable, runnable))
        scheduler.running = cython.NULL
        _drop(scheduler, runnable)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _drop(scheduler: Scheduler, runnable: cython.pointer(PyObject)) -> cython.void:
    """Drops a reference that is owned.

    A handle that nobody else knows of serves again (measured: making one and freeing it was 290
    instructions of a call_soon, this is 100).
    """
    handle: cython.pointer(PyObject) = runnable
    if (
        type(cython.cast(Runnable, handle)) is Runnable
        and scheduler.spares < SPARES
        and cython.cast(Runnable, handle).owner is None
        and IS_FORGOTTEN(cython.cast(Runnable, handle))
    ):
        cython.cast(Runnable, handle).loop = None
        cython.cast(Runnable, handle).callback = None
        cython.cast(Runnable, handle).args = None
        cython.cast(Runnable, handle).context = None
        cython.cast(Runnable, handle).is_cancelled = False
        SPARE_GIVE(scheduler, cython.cast(Runnable, handle))
    else:
        Py_DECREF(cython.cast(object, handle))


def _default_poller():
    try:
        from mainspring.core.epoll import EpollPoller
    except ImportError:
        from mainspring.core.poll import PollPoller

        return PollPoller()
    return EpollPoller()
