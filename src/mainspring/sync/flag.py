"""`Flag`: what is down and then up, and who waits for that; below `Event` and `AsyncResult`."""

from asyncio import events

import cython
from cython.cimports.mainspring.core.capi import (
    PyContext_CopyCurrent,
    PyThread_get_thread_ident,
)
from cython.cimports.mainspring.core.priority import level_in
from cython.cimports.mainspring.sync.forks import age
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import (
    CLOSED,
    EXPIRED,
    WAITING,
    Waiter,
    Waiters,
)


class Flag:
    """Something that happens, and that any number wait for."""

    def __cinit__(self, *args, **kwargs):
        self.waiters = Waiters.__new__(Waiters)

    def put_up(self):
        """Wakes all that wait: the more urgent first, then in order of arrival."""
        self.is_up = True
        return self.waiters.wake_all()

    def outcome(self, wait: Wait):
        """Puts what has happened into a wait, as its result or its error."""
        wait.result = True
        return 0

    def call_when_up(self, callback, context):
        """Has a callback called with this once it has happened; soon, if it has."""
        waiter: Waiter = Waiter.__new__(Waiter)
        waiter.callback = callback
        waiter.context = PyContext_CopyCurrent() if context is None else context
        waiter.loop = events._get_running_loop()
        waiter.level = level_in(waiter.context)
        waiter.thread = PyThread_get_thread_ident()
        waiter.age = age
        waiter.result = self
        if self.is_up:
            waiter.call_back()
        else:
            waiter.state = WAITING
            self.waiters.add(waiter)
        return 0

    def add_done_callback(self, callback, *, context=None):
        """Has a callback called with this once it has happened; soon, if it has already.

        Where a loop runs in this thread, that loop calls it; else whoever makes it happen does.

        Parameters:
            callback: called with this as its only argument.
            context: the `contextvars.Context` to call it in; a copy of the current one by default.
        """
        self.call_when_up(callback, context)

    def remove_done_callback(self, callback):
        """Takes back what `add_done_callback` asked for.

        Returns:
            How many calls were taken back.
        """
        found: cython.int = 0
        after: Waiter
        waiter: Waiter = self.waiters.first
        while waiter is not None:
            after = waiter.next
            if waiter.callback is not None and waiter.callback == callback:
                self.waiters.remove(waiter)
                waiter.state = CLOSED
                found += 1
            waiter = after
        return found

    def rawlink(self, callback):
        """As `add_done_callback`: gevent's word."""
        self.call_when_up(callback, None)

    def unlink(self, callback):
        """As `remove_done_callback`: gevent's word."""
        self.remove_done_callback(callback)


class FlagWait(Wait):
    """Waits for something to happen."""

    def attempt(self):
        if not self.flag.is_up:
            return False
        self.settle()
        return True

    def enlist(self):
        return self.flag.waiters.add(self)

    def finish(self):
        if self.state == EXPIRED:
            self.result = False
        else:
            self.settle()
        return True

    def settle(self):
        """Takes its result."""
        if self.wants_outcome:
            return self.flag.outcome(self)
        self.result = True
        return 0

    def name(self):
        return f"{type(self.flag).__name__}.{self.called}"


def wait_for(flag: Flag, called: str, wants_outcome: cython.bint):
    """Returns a wait for a flag, which has yet to begin."""
    wait: FlagWait = FlagWait.__new__(FlagWait)
    wait.flag = flag
    wait.called = called
    wait.wants_outcome = wants_outcome
    return wait
