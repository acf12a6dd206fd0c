"""Five levels of waiting callbacks, as plain deques.

The invariant: a handle waits on one level at most, each level is in order of arrival, and a
cancelled handle doesn't count as waiting. A batch is named by a serial number instead of a
length, because a length would be wrong as soon as a callback cancels or moves a later one.
"""

import asyncio
import enum
from collections import deque
from dataclasses import dataclass


class Priority(enum.IntEnum):
    """How soon a callback runs; lower is sooner."""

    URGENT = -2
    HIGH = -1
    DEFAULT = 0
    LOW = 1
    IDLE = 2


@dataclass(eq=False, slots=True)
class Waiting:
    """One queued handle: where it stands, and since when."""

    handle: asyncio.Handle
    serial: int
    since: float


class RunQueue:
    """The callbacks that are ready to run, by level and then by arrival."""

    def __init__(self) -> None:
        self._levels: dict[Priority, deque[Waiting]] = {level: deque() for level in Priority}
        self.next_serial = 0

    def push(self, handle: asyncio.Handle, priority: Priority, now: float) -> bool:
        """Appends `handle` to its level.

        Returns:
            False if it waits already: a watch that polls ready again before its turn came
            stays where it is.
        """
        if self.level_of(handle) is not None:
            return False
        self._levels[priority].append(Waiting(handle, self.next_serial, now))
        self.next_serial += 1
        return True

    def pop(self, level: Priority) -> asyncio.Handle:
        """Takes the oldest handle of `level`, which must not be empty."""
        self._drop_cancelled(level)
        return self._levels[level].popleft().handle

    def head(self, level: Priority) -> Waiting | None:
        """Returns the oldest entry of `level`, or None."""
        self._drop_cancelled(level)
        return self._levels[level][0] if self._levels[level] else None

    def has_before(self, serial: int, level: Priority) -> bool:
        """Says whether the oldest of `level` was queued before `serial` was given out."""
        oldest = self.head(level)
        return oldest is not None and oldest.serial < serial

    def highest(self) -> Priority | None:
        """Returns the most urgent level that isn't empty, or None."""
        return next((level for level in Priority if self.head(level)), None)

    def level_of(self, handle: asyncio.Handle) -> Priority | None:
        """Returns the level on which `handle` waits, or None."""
        for level, entries in self._levels.items():
            if any(entry.handle is handle for entry in entries):
                return level
        return None

    def move(self, handle: asyncio.Handle, priority: Priority, now: float) -> bool:
        """Puts a waiting handle at the end of another level; returns False if it doesn't wait."""
        level = self.level_of(handle)
        if level is None:
            return False
        if level is not priority:
            entries = self._levels[level]
            entries.remove(next(entry for entry in entries if entry.handle is handle))
            self.push(handle, priority, now)
        return True

    def clear(self) -> None:
        """Forgets everything."""
        for entries in self._levels.values():
            entries.clear()

    def count(self, level: Priority) -> int:
        """Returns how many wait on one level."""
        return sum(not entry.handle.cancelled() for entry in self._levels[level])

    def __len__(self) -> int:
        return sum(self.count(level) for level in Priority)

    def _drop_cancelled(self, level: Priority) -> None:
        entries = self._levels[level]
        while entries and entries[0].handle.cancelled():
            entries.popleft()
