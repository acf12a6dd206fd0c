"""`ThreadSafeHandle`: the handle of a callback that another thread sent.

That thread may cancel it at any time, so `cancel()` there answers for what it says: while the
callback runs, it waits for the end (as asyncio does from 3.14 on), so whoever has cancelled knows
that the callback either never runs or is over. Locks exist only while somebody waits.
"""

import asyncio
import threading
from asyncio import events

from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.core.freelist import keep_freed
from cython.cimports.mainspring.core.runnable import Runnable


class _ThreadSafeHandle(getattr(events, "_ThreadSafeHandle", asyncio.Handle)):
    """What `type(handle)` is to `isinstance`: asyncio's handle of its `call_soon_threadsafe`."""

    __slots__ = ()


_ThreadSafeHandle.__name__ = _ThreadSafeHandle.__qualname__ = "ThreadSafeHandle"


class ThreadSafeHandle(Runnable):
    """A callback that another thread sent."""

    @property
    def __class__(self):
        return _ThreadSafeHandle

    def run(self):
        self.is_running = True
        try:
            return Runnable.run(self)
        finally:
            self.is_running = False
            if self.waiting is not None:
                for lock in self.waiting:
                    lock.release()
                self.waiting = None

    def cancel(self):
        """Sees to it that the callback doesn't run any more; waits for the end if it does now."""
        self.wait_while_running()
        if not self.is_cancelled:
            self.drop()

    def cancelled(self):
        """Returns True when `cancel()` was called; waits for the end if the callback runs now."""
        self.wait_while_running()
        return self.is_cancelled

    def wait_while_running(self):
        """Blocks until the callback's end, unless it is the callback that asks."""
        if not self.is_running or self.loop._thread_id == PyThread_get_thread_ident():
            return 0
        lock = threading.Lock()
        lock.acquire()
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(lock)
        # It may have ended while the lock was made; nobody would release it then.
        if self.is_running:
            lock.acquire()
        return 0


keep_freed(ThreadSafeHandle)
