"""The classes of the stdlib's `threading` that are made of a lock and a condition, with ours.

The stdlib's own code, so what holds for it holds for these, but for who waits. A green thread can
be killed where an OS thread can't: one that was notified and is killed passes the notice on, and
one that is killed while it takes the lock again has the lock before it raises.
"""

import math
import threading as original
from typing import Any, cast

from mainspring.green.call import current
from mainspring.green.locks import Line
from mainspring.green.locks import ThreadLock as Lock
from mainspring.green.locks import ThreadRLock as RLock

__all__ = ["Barrier", "BoundedSemaphore", "Condition", "Event", "Semaphore"]


class Condition(original.Condition):
    """As `threading.Condition`; it notifies the most urgent first, then in order of arrival.

    Parameters:
        lock: any lock; a new `RLock` by default.
    """

    def __init__(self, lock: Any = None) -> None:
        super().__init__(cast(Any, RLock()) if lock is None else lock)
        self._waiters: Any = Line()

    def wait(self, timeout: float | None = None) -> bool:
        """Releases the lock, waits for a notice, and takes the lock again.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.

        Returns:
            False if the time was over first.

        Raises:
            RuntimeError: who calls doesn't have the lock.
            ValueError: the time is not a number.
        """
        if not self._is_owned():  # type: ignore[attr-defined]
            raise RuntimeError("cannot wait on un-acquired lock")
        if timeout is not None and math.isnan(timeout):
            raise ValueError("Invalid value NaN (not a number)")
        place = self._waiters.enter(self._release_save)  # type: ignore[attr-defined]
        try:
            is_notified: bool = place.wait(None if timeout is None else max(timeout, 0))
        finally:
            if place.has_released:
                self._take_again(place.saved)
        return is_notified

    def notify(self, n: int = 1) -> None:
        """Notifies some of those that wait.

        Parameters:
            n: how many at most.

        Raises:
            RuntimeError: who calls doesn't have the lock.
        """
        if not self._is_owned():  # type: ignore[attr-defined]
            raise RuntimeError("cannot notify on un-acquired lock")
        self._waiters.notify(n)

    def _take_again(self, saved: Any) -> None:
        interrupted: BaseException | None = None
        while True:
            try:
                self._acquire_restore(saved)  # type: ignore[attr-defined]
                break
            except BaseException as exc:
                if current() is None:
                    raise
                interrupted = exc
        if interrupted is not None:
            raise interrupted


class Semaphore(original.Semaphore):
    """As `threading.Semaphore`."""

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._cond = Condition(Lock())


class BoundedSemaphore(Semaphore, original.BoundedSemaphore):
    """As `threading.BoundedSemaphore`."""

    def __init__(self, value: int = 1) -> None:
        original.BoundedSemaphore.__init__(self, value)
        self._cond = Condition(Lock())


class Event(original.Event):
    """As `threading.Event`."""

    def __init__(self) -> None:
        super().__init__()
        self._cond = Condition(Lock())


class Barrier(original.Barrier):
    """As `threading.Barrier`."""

    def __init__(self, parties: int, action: Any = None, timeout: float | None = None) -> None:
        super().__init__(parties, action, timeout)
        self._cond = Condition(Lock())
