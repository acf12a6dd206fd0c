"""`ContextPhases`: a GMainContext as a source of the loop.

In each iteration the context is asked as a main loop of GLib's would: prepare before the poll,
query for its fds and its timeout, check after the poll. What is ready then stands on the run queue,
as one runnable at the level of its priority; its turn is GLib's dispatch, which calls all sources
that are ready at the most urgent priority, and no others.

Invariants: between prepare and check nothing but the poll runs, because a source may hold something
in between (Wayland's holds a lock on reading); the thread that runs the loop owns the context for
as long as it runs, so that nobody else's thread calls its sources. Prepare, query and check keep
the GIL: they are as short as a look at the fds. Dispatch releases it, as PyGObject does, because
callbacks in C may wait for other threads.
"""

import cython
from cython.cimports.mainspring.compat.glib.polling import PollSet
from cython.cimports.mainspring.core.capi import (
    PyContext_CopyCurrent,
    PyContext_Enter,
    PyContext_Exit,
)
from cython.cimports.mainspring.core.gate import PyThreadState, step_in, step_out
from cython.cimports.mainspring.core.level import (
    DEFAULT_LEVEL,
    HIGH_LEVEL,
    IDLE_LEVEL,
    LOW_LEVEL,
    URGENT_LEVEL,
)
from cython.cimports.mainspring.core.phases import Phases, chain_with, chain_without
from cython.cimports.mainspring.core.runnable import Runnable
from cython.cimports.mainspring.core.watching import WatchScheduler

# G_MAXINT: no source is less urgent.
EVERY_PRIORITY = cython.declare(cython.int, 0x7FFFFFFF)
URGENT_BELOW = cython.declare(cython.int, -199)
IDLE_FROM = cython.declare(cython.int, 200)


class Turn(Runnable):
    """Stands on the run queue while sources are ready."""

    def run(self):
        # Kept: a callback may close it.
        phases: ContextPhases = self.phases
        return 0 if phases is None else phases.run_sources()

    def _describe_callback(self):
        return "the sources of a GMainContext"


class ContextPhases(Phases):
    """A context's part in each iteration of a loop.

    Parameters:
        scheduler: the loop.
        context: the address of the context.
        calls: the addresses of `g_main_context_` acquire, release, ref, unref, prepare, query,
            check and dispatch, in this order.
    """

    def __init__(self, scheduler: WatchScheduler, context: cython.size_t, calls):
        acquire, release, ref, unref, prepare, query, check, dispatch = calls
        self.acquire = cython.cast(AcquireCall, cython.cast(cython.size_t, acquire))
        self.release = cython.cast(ContextCall, cython.cast(cython.size_t, release))
        self.keep = cython.cast(ContextCall, cython.cast(cython.size_t, ref))
        self.let_go = cython.cast(ContextCall, cython.cast(cython.size_t, unref))
        self.prepare = cython.cast(PrepareCall, cython.cast(cython.size_t, prepare))
        self.query = cython.cast(QueryCall, cython.cast(cython.size_t, query))
        self.check = cython.cast(CheckCall, cython.cast(cython.size_t, check))
        self.dispatch = cython.cast(ContextCall, cython.cast(cython.size_t, dispatch))
        self.scheduler = scheduler
        self.timeout = -1
        self.context_of_calls = PyContext_CopyCurrent()
        self.poll_set = PollSet(scheduler)
        self.turn = Turn.__new__(Turn)
        self.turn.loop = scheduler
        self.turn.phases = self
        self.context = self.keep(cython.cast(cython.p_void, context))
        if scheduler.thread != 0:
            try:
                self.own()
            except BaseException:
                self.is_closed = True
                self.end()
                raise
        scheduler.phases = chain_with(scheduler.phases, self)

    def __dealloc__(self):
        if self.context != cython.NULL:
            self.let_go(self.context)

    def before_poll(self):
        priority: cython.int = 0
        if self.is_closed:
            return 0
        if not self.is_owner:
            self.own()
        is_ready: cython.bint = self.prepare(self.context, cython.address(priority))
        self.ask()
        if is_ready:
            # Where it stands may change with the poll; that it stands somewhere prevents a sleep.
            self.queue_turn(priority)
        else:
            self.turn.unlink()
        return 0

    def before_sleep(self, timeout: cython.longlong):
        limit: cython.longlong = self.timeout
        if self.is_closed:
            return timeout
        if not self.poll_set.register():
            return 0
        if limit >= 0 and (timeout < 0 or limit * 1000000 < timeout):
            return limit * 1000000
        return timeout

    def after_poll(self):
        priority: cython.int = 0
        timeout: cython.int = 0
        poll_set: PollSet = self.poll_set
        if self.is_closed or not self.is_owner:
            return 0
        poll_set.poll()
        if not self.check(self.context, EVERY_PRIORITY, poll_set.fds, poll_set.count):
            self.turn.unlink()
            return 0
        # GLib knows now what is ready, and says only here how urgent that is. What the poll has
        # found is kept by it: no fds are asked for, nor told of, a second time.
        self.prepare(self.context, cython.address(priority))
        self.query(self.context, EVERY_PRIORITY, cython.address(timeout), poll_set.fds, 0)
        if self.check(self.context, EVERY_PRIORITY, poll_set.fds, 0):
            self.queue_turn(priority)
        else:
            self.turn.unlink()
        return 0

    def end_run(self):
        self.disown()
        return 0

    def own(self):
        """Makes this thread the context's owner.

        Raises:
            RuntimeError: another thread is.
        """
        if not self.acquire(self.context):
            raise RuntimeError(
                "the GMainContext can't be a source of this loop, because another thread runs it "
                "already: end that thread's main loop first, or attach a context of this loop's own"
            )
        self.is_owner = True
        return 0

    def disown(self):
        if self.is_owner:
            self.is_owner = False
            self.release(self.context)
        return 0

    def ask(self):
        """Asks GLib which fds to poll, of all sources, and how long it would sleep."""
        poll_set: PollSet = self.poll_set
        count: cython.int = self.query(
            self.context,
            EVERY_PRIORITY,
            cython.address(self.timeout),
            poll_set.fds,
            poll_set.capacity,
        )
        while count > poll_set.capacity:
            poll_set.reserve(2 * count)
            count = self.query(
                self.context,
                EVERY_PRIORITY,
                cython.address(self.timeout),
                poll_set.fds,
                poll_set.capacity,
            )
        poll_set.count = count
        return 0

    def queue_turn(self, priority: cython.int):
        """Has the sources run at the level of a priority of GLib's; where they stand they stay."""
        level: cython.int = level_for(priority)
        if self.turn.prev == cython.NULL or self.turn.level != level:
            self.scheduler.queue.push(self.turn, level)
        return 0

    def run_sources(self):
        gate: cython.p_void = self.scheduler.gate.state
        state: cython.pointer(PyThreadState)
        if self.is_closed or not self.is_owner:
            return 0
        self.is_dispatching = True
        PyContext_Enter(self.context_of_calls)
        state = step_out(gate)
        self.dispatch(self.context)
        step_in(gate, state)
        PyContext_Exit(self.context_of_calls)
        self.is_dispatching = False
        if self.is_closed:
            # By one of the callbacks.
            self.end()
        return 0

    def close(self):
        """Ends the context's part in the loop; does nothing the second time.

        Called by one of the context's own callbacks it ends when those have run.
        """
        if self.is_closed:
            return
        self.is_closed = True
        self.scheduler.phases = chain_without(self.scheduler.phases, self)
        self.turn.unlink()
        self.poll_set.close()
        if not self.is_dispatching:
            self.end()

    def end(self):
        self.disown()
        self.poll_set.close()
        self.let_go(self.context)
        self.context = cython.NULL
        self.turn.phases = None
        return 0

    def renew_after_fork(self):
        """Parts from the parent process, with which the epoll set is shared."""
        if not self.is_closed:
            self.poll_set.renew()


def level_for(priority: cython.int) -> cython.int:
    """Returns the level of a priority of GLib's."""
    if priority < URGENT_BELOW:
        return URGENT_LEVEL
    if priority < 0:
        return HIGH_LEVEL
    if priority == 0:
        return DEFAULT_LEVEL
    return LOW_LEVEL if priority < IDLE_FROM else IDLE_LEVEL
