"""`Waiter` and `Waiters`: who waits for a primitive, and the list in which they stand.

A waiter is a task of some loop, a callback, or an OS thread. Who is chosen is the most urgent, by
the priority that is in force for it then, and among equals the one that came first. The list is
used from any thread: what changes it calls no Python, and so keeps the GIL all along.
"""

import sys
import types
from asyncio import events

import cython
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL, LEVELS
from cython.cimports.mainspring.core.priority import is_any_named, level_in
from cython.cimports.mainspring.loop.task_scheduler import TaskScheduler
from cython.cimports.mainspring.sync.forks import age, is_left


@cython.trashcan(True)
@cython.cclass
class Waiter:
    """One that waits: a task, an OS thread or a callback."""

    def __cinit__(self, *args, **kwargs):
        self.level = DEFAULT_LEVEL

    def end_loan(self):
        if self.loan is not None:
            loan = self.loan
            self.loan = None
            loan.end()
        return 0

    def is_gone(self):
        """Returns True if it needs nothing any more: its task was cancelled, or never forked."""
        if self.age != age and not is_left(self.age, self.thread):
            return True
        return self.future is not None and self.future.done()

    def current_level(self):
        """Returns the level in force for who waits; from any thread."""
        if self.loan is not None and self.loan.borrower is not None:
            return self.loan.lender.level
        if self.task is None:
            return self.level
        if isinstance(self.loop, TaskScheduler):
            return cython.cast(TaskScheduler, self.loop).level_while_waiting(
                self.task, self.context
            )
        return level_in(self.context)

    def wake(self):
        """Has it go on and see its state. Returns False if there is nobody any more."""
        if self.block_lock is not None:
            if self.block_lock.locked():
                self.block_lock.release()
            return True
        if self.callback is not None:
            self.call_back()
            return True
        future = self.future
        if future is None:
            # It has yet to be suspended, and will see.
            return True
        if is_here(self.loop):
            if not future.done():
                future.set_result(None)
            return True
        try:
            if is_any_named and isinstance(self.loop, TaskScheduler):
                self.loop.call_soon_threadsafe(
                    _wake_up, future, priority=self.current_level() - DEFAULT_LEVEL
                )
            else:
                self.loop.call_soon_threadsafe(_wake_up, future)
        except RuntimeError:
            # It is closed.
            return False
        return True

    def call_back(self):
        """Has its callback called: by its loop, else here."""
        if self.loop is not None:
            try:
                self.loop.call_soon_threadsafe(self.callback, self.result, context=self.context)
            except RuntimeError:
                # It is closed, and its callbacks with it.
                pass
            return 0
        try:
            self.context.run(self.callback, self.result)
        except Exception as exc:
            report(exc, self.callback)
        return 0


class Waiters:
    """Those that wait for something, in order of arrival."""

    def add(self, wait: Waiter):
        """Puts one at the end."""
        wait.waiters = self
        wait.prev = self.last
        if self.last is None:
            self.first = wait
        else:
            self.last.next = wait
        self.last = wait
        self.count += 1
        return 0

    def add_first(self, wait: Waiter):
        """Puts one at the head: it was there before."""
        wait.waiters = self
        wait.next = self.first
        if self.first is None:
            self.last = wait
        else:
            self.first.prev = wait
        self.first = wait
        self.count += 1
        return 0

    def remove(self, wait: Waiter):
        """Takes one out; does nothing if it isn't in this list."""
        if wait.waiters is not self:
            return 0
        if wait.prev is None:
            self.first = wait.next
        else:
            wait.prev.next = wait.next
        if wait.next is None:
            self.last = wait.prev
        else:
            wait.next.prev = wait.prev
        wait.next = None
        wait.prev = None
        wait.waiters = None
        self.count -= 1
        return 0

    def choose(self):
        """Takes out the most urgent, and among equals the one that came first; None if none is."""
        best: Waiter = None
        best_level: cython.int = LEVELS
        level: cython.int
        wait: Waiter = self.first
        while wait is not None:
            if not wait.is_gone():
                if not is_any_named:
                    best = wait
                    break
                level = wait.current_level()
                if level < best_level:
                    best = wait
                    best_level = level
                    if level == 0:
                        break
            wait = wait.next
        if best is not None:
            self.remove(best)
        return best

    def wake_all(self):
        """Takes all out, and wakes them in that order with what they wait for."""
        if self.count == 0:
            return 0
        waits: list = self.take_all()
        for one in waits:
            cython.cast(Waiter, one).state = GIVEN
        for one in waits:
            # Nothing is lost with one that is not there any more.
            cython.cast(Waiter, one).wake()
        return 0

    def show(self, primitive, state: str):
        """Returns what the `repr` of the primitive says that these wait for."""
        waiting = f", waiters:{self.count}" if self.count else ""
        return f"<{object.__repr__(primitive)[1:-1]} [{state}{waiting}]>"

    def take_all(self):
        """Takes all out; returns them, the more urgent first, and then in order of arrival."""
        waits: list = []
        found: list = []
        level: cython.int
        wait: Waiter
        while self.first is not None:
            wait = self.first
            self.remove(wait)
            if not wait.is_gone():
                waits.append(wait)
        if not is_any_named or len(waits) < 2:
            return waits
        levels: list = [cython.cast(Waiter, one).current_level() for one in waits]
        for level in range(cython.cast(cython.int, LEVELS)):
            for one, of_one in zip(waits, levels, strict=True):
                if of_one == level:
                    found.append(one)
        return found


def is_here(loop):
    """Returns True if what a loop owns may be changed from here: it runs in no other thread."""
    if isinstance(loop, TaskScheduler):
        return (
            cython.cast(TaskScheduler, loop).thread == 0
            or cython.cast(TaskScheduler, loop).thread == PyThread_get_thread_ident()
        )
    return events._get_running_loop() is loop


def _wake_up(future):
    if not future.done():
        future.set_result(None)


def report(exc, culprit):
    sys.unraisablehook(
        types.SimpleNamespace(
            exc_type=type(exc),
            exc_value=exc,
            exc_traceback=exc.__traceback__,
            err_msg="Exception ignored in",
            object=culprit,
        )
    )
