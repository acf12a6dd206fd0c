"""`Event`: asyncio's `Event`.

`set()` wakes the waiters in the order in which they came; each wake-up is queued at the priority of
its task, and so they run by priority, and in order of arrival within one.
"""

import asyncio
from typing import Literal

from mainspring.sync.bound import Bound

__all__ = ["Event"]


class Event(Bound):
    """A flag that tasks wait for: false at first, true after `set()`, until `clear()`."""

    def __init__(self) -> None:
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._is_set = False

    def __repr__(self) -> str:
        return self._show("set" if self._is_set else "unset")

    def is_set(self) -> bool:
        """Returns True while the event is set."""
        return self._is_set

    def set(self) -> None:
        """Sets the event, and wakes all that wait for it; those to come don't wait."""
        if self._is_set:
            return
        self._is_set = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Resets the event: who comes from now on waits."""
        self._is_set = False

    async def wait(self) -> Literal[True]:
        """Waits until the event is set; not at all if it is.

        Returns:
            True.

        Raises:
            RuntimeError: the event belongs to another loop.
        """
        if self._is_set:
            return True
        waiter = self._get_loop().create_future()
        self._waiters[waiter] = None
        try:
            await waiter
        finally:
            del self._waiters[waiter]
        return True
