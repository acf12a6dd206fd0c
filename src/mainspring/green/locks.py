"""The locks of `mainspring.green.threading`, and the line in which those of a condition wait.

They have the names, signatures and errors of `_thread`'s, and serve in their place. In a green
thread only that green thread waits; in another OS thread, that OS thread. In the loop's own thread
outside of green threads what need not wait succeeds, and what would wait for a task of that very
loop raises, because it would wait for ever; else the thread blocks, as it always did.
"""

import _thread
from asyncio import events

import cython
from cython.cimports.libc.math import isnan
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.sync.here import current_task, in_green, wait_here
from cython.cimports.mainspring.sync.lock import DONE, BaseLock, wait_for
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import CLOSED, GIVEN, Waiter, Waiters

from mainspring.sync.errors import BlockingSwitchOutError

TIMEOUT_MAX = cython.declare(cython.double, _thread.TIMEOUT_MAX)


class ThreadLock(BaseLock):
    """A lock with the interface of `threading.Lock`, for every model.

    A coroutine uses it with `async with`.
    """

    def __init__(self):
        pass

    def __repr__(self):
        state = "locked" if self.is_locked else "unlocked"
        return f"<{state} {type(self).__name__} object at {id(self):#x}>"

    def acquire(self, blocking=True, timeout=-1):
        """Takes the lock, and waits for that.

        Parameters:
            blocking: False to return at once.
            timeout: seconds to wait at most; -1 to wait for ever.

        Returns:
            True if it was taken.

        Raises:
            BlockingSwitchOutError: the lock belongs to a task of the loop whose own thread this is.
        """
        if timeout != -1:
            if not blocking:
                raise ValueError("can't specify a timeout for a non-blocking call")
            if timeout < 0:
                raise ValueError(f"timeout value must be a non-negative number, got {timeout!r}")
            if isnan(timeout):
                raise ValueError("Invalid value NaN (not a number)")
            if timeout > TIMEOUT_MAX:
                raise OverflowError(f"timeout value is too large: {timeout!r}")
        if self.attempt():
            return True
        if not blocking:
            return False
        return self.wait_for_it(None if timeout == -1 else timeout)

    acquire_lock = acquire

    def __enter__(self):
        return True if self.attempt() else self.wait_for_it(None)

    def release(self):
        """Hands the lock to the most urgent that waits for it, or frees it; anybody may.

        Raises:
            RuntimeError: nobody has the lock.
        """
        if not self.is_locked:
            raise RuntimeError("release unlocked lock")
        self.let_go()

    release_lock = release

    def __exit__(self, exc_type, exc, traceback):
        self.release()

    def __aenter__(self):
        return wait_for(self, True)

    def __aexit__(self, exc_type, exc, traceback):
        self.release()
        return DONE

    def locked(self):
        """Returns True unless the lock is free."""
        return self.is_locked or self.has_chosen()

    locked_lock = locked

    def _at_fork_reinit(self):
        """Frees the lock in a child process, and forgets who waited."""
        self.is_locked = False
        self.depth = 0
        self.chosen = None
        self.owner = None
        self.parties = None
        self.waiters = Waiters.__new__(Waiters)

    def wait_for_it(self, timeout):
        """Waits for the lock, as one does here. Returns False if the time was over first."""
        loop = None if in_green() else events._get_running_loop()
        if loop is not None:
            if self.chosen is not None and self.chosen.loop is loop and self.steal():
                self.depth = 1
                return True
            owner = None if self.owner is None else self.owner()
            if owner is not None and owner.get_loop() is loop:
                raise BlockingSwitchOutError(
                    f"{self!r} belongs to {owner!r} of the loop that runs in this thread: to wait "
                    f"for it here would stop both; use `async with`, or run the function as a "
                    f"green thread"
                )
        return wait_here(wait_for(self, False), timeout)


class ThreadRLock(ThreadLock):
    """A lock with the interface of `threading.RLock`, for every model.

    Its owner is a green thread; or a task, in its coroutines; else, an OS thread.
    """

    def __repr__(self):
        state = "locked" if self.is_locked else "unlocked"
        return (
            f"<{state} {type(self).__name__} object owner={self.owner_thread if self.depth else 0} "
            f"count={self.depth} at {id(self):#x}>"
        )

    def attempt(self):
        return self.take_again()

    def is_mine(self):
        task = current_task()
        if task is not None and self.owner is not None and self.owner() is task:
            return True
        # Plain code of one thread is one owner, whichever of the thread's tasks it runs in.
        if in_green() or self.owner_is_green:
            return False
        return self.owner_thread == PyThread_get_thread_ident()

    def release(self):
        """Undoes one `acquire`; after the last hands the lock to the next, or frees it.

        Raises:
            RuntimeError: who calls doesn't own the lock.
        """
        if not self.is_locked or not self.is_mine():
            raise RuntimeError("cannot release un-acquired lock")
        self.depth -= 1
        if self.depth == 0:
            self.let_go()

    def _is_owned(self):
        return self.is_locked and self.is_mine()

    def _recursion_count(self):
        return self.depth if self.is_locked and self.is_mine() else 0

    def _release_save(self):
        """Releases the lock whole; returns what `_acquire_restore` takes."""
        if not self.is_locked:
            raise RuntimeError("cannot release un-acquired lock")
        depth = self.depth
        self.let_go()
        return depth

    def _acquire_restore(self, depth):
        """Takes the lock as often as it was taken."""
        if not self.attempt():
            self.wait_for_it(None)
        self.depth = depth


class Line:
    """Those that wait for a notice, in the place of the deque of a `threading.Condition`."""

    def __cinit__(self):
        self.waiters = Waiters.__new__(Waiters)

    def __len__(self):
        return self.waiters.count

    def enter(self, release):
        """Returns a place in the line, for who runs here.

        Parameters:
            release: called without arguments when the place is taken.
        """
        place: Place = Place.__new__(Place)
        place.line = self
        place.release = release
        return place

    def notify(self, count):
        """Notifies the most urgent, and among equals those that came first."""
        self.wake(count)

    def clear(self):
        """Forgets all."""
        self.waiters = Waiters.__new__(Waiters)

    def wake(self, count: cython.Py_ssize_t):
        wait: Waiter
        while count > 0 and self.waiters.count > 0:
            wait = self.waiters.choose()
            if wait is None:
                break
            wait.state = GIVEN
            if wait.wake():
                count -= 1
            else:
                wait.state = CLOSED
        return 0


class Place(Wait):
    """Waits for a notice."""

    def enlist(self):
        return self.line.waiters.add(self)

    def enlisted(self):
        try:
            self.saved = self.release()
        except BaseException:
            self.line.waiters.remove(self)
            self.state = CLOSED
            raise
        self.has_released = True
        return 0

    def give_back(self):
        return self.line.wake(1)

    def wait(self, timeout):
        """Waits as one does here; returns False if the time was over first."""
        return wait_here(self, timeout)

    def name(self):
        return "Condition.wait"
