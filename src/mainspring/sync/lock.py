"""`Lock` and `RLock`: asyncio's lock, and one that its owner may take again, for every model.

Whoever releases a lock hands it to the most urgent of those that wait, and among equals to the one
that has waited longest. From then on that is the owner, though it has yet to run, and `locked()`
says False until it does, as asyncio's lock does: nobody takes the lock in between. The owner is
held weakly; for what it is lent see `lending`.
"""

import cython
from cython.cimports.cpython.weakref import PyWeakref_NewRef
from cython.cimports.mainspring.core.capi import PyThread_get_thread_ident
from cython.cimports.mainspring.sync.forks import age, is_left
from cython.cimports.mainspring.sync.here import current_task, enter, in_green
from cython.cimports.mainspring.sync.lending import Owned
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import (
    CLOSED,
    EXPIRED,
    GIVEN,
    WAITING,
    Waiter,
)


class Done:
    """What is awaited where nothing is left to wait for."""

    def __await__(self):
        return self

    def __next__(self):
        raise StopIteration


DONE = Done.__new__(Done)


class BaseLock(Owned):
    """A lock: who has it, and who is next; without words for taking it."""

    def attempt(self):
        """Takes it if whoever runs here may have it now (no Python)."""
        return self.take()

    def take(self):
        """Takes it if it is free; returns False if it isn't (no Python)."""
        if self.is_locked or self.has_chosen():
            return False
        self.is_locked = True
        self.note_owner()
        return True

    def take_again(self):
        """As `take`; but its owner may take it any number of times."""
        if self.take():
            self.depth = 1
            return True
        if self.is_locked and self.is_mine():
            self.depth += 1
            return True
        return False

    def is_mine(self):
        """Returns True if who runs here owns it: a task, or where none runs, an OS thread."""
        task = current_task()
        if task is not None or self.owner is not None:
            return self.owner is not None and self.owner() is task
        return self.owner_thread == PyThread_get_thread_ident()

    def note_owner(self):
        """Makes who runs here the owner."""
        task = current_task()
        self.owner = None if task is None else PyWeakref_NewRef(task, None)
        self.owner_thread = PyThread_get_thread_ident()
        self.owner_is_green = in_green()
        if self.parties is not None:
            self.tell()
        return 0

    def has_chosen(self):
        """Returns True while one that was woken has yet to take the lock."""
        chosen: Waiter = self.chosen
        if chosen is None:
            return False
        if chosen.age != age and not is_left(chosen.age, chosen.thread):
            # It stayed behind at a fork.
            self.chosen = None
            self.owner = None
            return False
        return True

    def let_go(self):
        """Releases it, however often it was taken."""
        self.is_locked = False
        self.depth = 0
        return self.hand_over()

    def hand_over(self):
        """Gives it to the next, if anybody waits."""
        wait: Waiter
        while True:
            self.chosen = None
            wait = self.waiters.choose() if self.waiters.count > 0 else None
            if wait is None:
                self.owner = None
                return self.tell()
            self.chosen = wait
            wait.state = GIVEN
            self.owner = None if wait.task is None else PyWeakref_NewRef(wait.task, None)
            self.owner_thread = wait.thread
            self.tell()
            if wait.wake():
                return 0
            wait.state = CLOSED

    def seek(self, wait: Waiter):
        """Puts one that waits for something else among those that wait for the lock."""
        self.waiters.add(wait)
        if not self.is_locked and not self.has_chosen():
            return self.hand_over()
        return self.lend(wait)

    def taken(self, wait: Waiter):
        """Called when the one that was chosen goes on, and has the lock now."""
        self.chosen = None
        self.is_locked = True
        self.depth = 1
        self.note_owner()
        return self.left()

    def steal(self):
        """Takes it from one that was chosen and has yet to run, and that is the next again."""
        chosen: Waiter = self.chosen
        if self.is_locked or chosen is None:
            return False
        chosen.state = WAITING
        # It is woken all the same, finds that it has nothing, and waits again.
        chosen.future = None
        self.waiters.add_first(chosen)
        self.chosen = None
        self.is_locked = True
        self.note_owner()
        return True


class LockWait(Wait):
    """Waits for a lock, and takes it."""

    def attempt(self):
        if self.lock.attempt():
            self.result = None if self.is_entry else True
            return True
        return False

    def enlist(self):
        return self.lock.waiters.add(self)

    def enlisted(self):
        return self.lock.lend(self)

    def finish(self):
        self.end_loan()
        if self.state == EXPIRED:
            self.result = False
            self.lock.left()
        else:
            self.lock.taken(self)
            self.result = None if self.is_entry else True
        return True

    def fail(self, error):
        Wait.fail(self, error)
        self.lock.left()
        return True

    def give_back(self):
        if self.lock.chosen is self:
            self.lock.hand_over()
        return 0

    def name(self):
        return f"{type(self.lock).__name__}.acquire"


def wait_for(lock: BaseLock, is_entry: cython.bint):
    """Returns a wait for a lock, which has yet to begin."""
    wait: LockWait = LockWait.__new__(LockWait)
    wait.lock = lock
    wait.is_entry = is_entry
    return wait


class Lock(BaseLock):
    """A lock: at most one has it, be it a task, a green thread or an OS thread.

    It isn't tied to its owner: anybody may release it. In a coroutine use it with
    `async with lock:`, in a green thread and in an OS thread with `with lock:`.
    """

    def __init__(self):
        pass

    def __repr__(self):
        return self.waiters.show(self, "locked" if self.is_locked else "unlocked")

    def __aenter__(self):
        return wait_for(self, True)

    def __aexit__(self, exc_type, exc, traceback):
        self.release()
        return DONE

    def __enter__(self):
        enter(wait_for(self, True), self)

    def __exit__(self, exc_type, exc, traceback):
        self.release()

    def locked(self):
        """Returns True while somebody has the lock."""
        return self.is_locked

    def acquire(self):
        """Waits until the lock is free, and takes it.

        Returns:
            An awaitable `Wait`, whose result is True.
        """
        return wait_for(self, False)

    def release(self):
        """Gives the lock to the most urgent that waits for it, or frees it.

        Raises:
            RuntimeError: nobody has the lock.
        """
        if not self.is_locked:
            raise RuntimeError("Lock is not acquired.")
        self.let_go()


class RLock(Lock):
    """A lock that its owner may take again; it is free when it was released as often.

    The owner is a task, whichever of its functions and green calls takes the lock; where no task
    runs, an OS thread.
    """

    def attempt(self):
        return self.take_again()

    def release(self):
        """Undoes one `acquire`; after the last gives the lock to the next, or frees it.

        Raises:
            RuntimeError: who calls doesn't own the lock.
        """
        if not self.is_locked or not self.is_mine():
            raise RuntimeError(f"{self!r} cannot be released by one that has not acquired it")
        self.depth -= 1
        if self.depth == 0:
            self.let_go()
