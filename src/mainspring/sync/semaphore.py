"""`Semaphore` and `BoundedSemaphore`: asyncio's, for every model.

A permit that is released while others wait goes to one of them at once, so nobody overtakes: the
most urgent first, and among equals the one that came first. While anybody waits there is no free
permit for anybody else.
"""

import cython
from cython.cimports.mainspring.sync.forks import age
from cython.cimports.mainspring.sync.here import enter
from cython.cimports.mainspring.sync.lock import DONE
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import CLOSED, EXPIRED, GIVEN, Waiter, Waiters


class Semaphore:
    """A number of permits: who acquires one waits until one is free.

    In a coroutine use it with `async with`, in a green thread and in an OS thread with `with`.

    Parameters:
        value: how many permits there are.

    Raises:
        ValueError: `value` is below 0.
    """

    def __init__(self, value=1):
        if value < 0:
            raise ValueError(f"Semaphore initial value must be >= 0, got {value!r}")
        self.value = value

    def __cinit__(self, *args, **kwargs):
        self.waiters = Waiters.__new__(Waiters)

    def __repr__(self):
        state = f"unlocked, value:{self.value}" if self.value else "locked"
        return self.waiters.show(self, state)

    def take(self):
        """Takes a permit if one is free (no Python).

        Not while one that was given a permit has yet to go on: as asyncio's, it is no overtaking.
        """
        if self.value <= 0 or (self.chosen > 0 and self.age == age):
            return False
        self.value -= 1
        return True

    def put_back(self):
        """Gives permits to those that wait, as long as there are some."""
        wait: Waiter
        while self.value > 0 and self.waiters.count > 0:
            wait = self.waiters.choose()
            if wait is None:
                break
            self.value -= 1
            if self.age != age:
                self.chosen = 0
                self.age = age
            self.chosen += 1
            wait.state = GIVEN
            if not wait.wake():
                wait.state = CLOSED
                self.chosen -= 1
                self.value += 1
        return 0

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
        """Returns True while no permit is free."""
        return self.value == 0

    def acquire(self):
        """Waits until a permit is free, and takes it.

        Returns:
            An awaitable `Wait`, whose result is True.
        """
        return wait_for(self, False)

    def release(self):
        """Gives back a permit: to the most urgent that waits for one, if anybody does."""
        self.value += 1
        if self.waiters.count > 0:
            self.put_back()


class BoundedSemaphore(Semaphore):
    """A semaphore that can't be released more often than it was acquired.

    Parameters:
        value: how many permits there are.
    """

    def __init__(self, value=1):
        Semaphore.__init__(self, value)
        self.bound = value

    def release(self):
        """As `Semaphore.release`.

        Raises:
            ValueError: all permits are free.
        """
        if self.value >= self.bound:
            raise ValueError("BoundedSemaphore released too many times")
        Semaphore.release(self)


class SemaphoreWait(Wait):
    """Waits for a permit, and takes it."""

    def attempt(self):
        if self.semaphore.take():
            self.result = None if self.is_entry else True
            return True
        return False

    def enlist(self):
        return self.semaphore.waiters.add(self)

    def finish(self):
        if self.state == EXPIRED:
            self.result = False
        else:
            self.result = None if self.is_entry else True
            self.semaphore.chosen -= 1
            self.semaphore.put_back()
        return True

    def give_back(self):
        self.semaphore.value += 1
        self.semaphore.chosen -= 1
        return self.semaphore.put_back()

    def name(self):
        return f"{type(self.semaphore).__name__}.acquire"


@cython.cfunc
def wait_for(semaphore: Semaphore, is_entry: cython.bint) -> SemaphoreWait:
    wait: SemaphoreWait = SemaphoreWait.__new__(SemaphoreWait)
    wait.semaphore = semaphore
    wait.is_entry = is_entry
    return wait
