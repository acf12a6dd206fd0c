"""`SchedulerStats`: what a loop has done, as counts and times that can be subtracted.

The invariant: every field either grows for as long as the loop lives, or is named in `_kept`: it
tells how something stands, or a maximum. The difference of two snapshots is what happened in
between: what grows is subtracted, what is kept is the later one's. So a new figure is one field.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self

from mainspring.core.priority import Priority

__all__ = ["EarlyStops", "GateStats", "Histogram", "LevelStats", "PollStats", "SchedulerStats"]


def _difference(later: Any, earlier: Any) -> Any:
    if isinstance(later, tuple):
        return tuple(map(_difference, later, earlier))
    return later - earlier


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and times, of which two snapshots can be subtracted."""

    _kept: ClassVar[frozenset[str]] = frozenset()

    def __sub__(self, earlier: Self) -> Self:
        """Returns what happened between two snapshots of the same loop."""
        if type(earlier) is not type(self):
            return NotImplemented
        grown = [each.name for each in fields(self) if each.name not in self._kept]
        between = {name: _difference(getattr(self, name), getattr(earlier, name)) for name in grown}
        return replace(self, **between)


@dataclass(frozen=True, slots=True, repr=False)
class Histogram(Figures):
    """How often a time lay within which power of two.

    Attributes:
        counts: the first is of times below 1 us, the n-th after it of times from 2**(n-1) us
            to 2**n us; the last is of all that were longer, too.
    """

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many times were counted."""
        return sum(self.counts)

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper bound of each count, in seconds; the last is infinite."""
        return (*(2**n / 1e6 for n in range(len(self.counts) - 1)), math.inf)

    def quantile(self, fraction: float) -> float:
        """Returns a bound, in seconds, that so large a fraction of the times didn't exceed.

        Parameters:
            fraction: from 0 to 1; 0.99 for the 99th percentile.

        Returns:
            The upper bound of the count in which it lies, so up to twice the true value; 0 if
            nothing was counted.

        Raises:
            ValueError: `fraction` is not from 0 to 1.
        """
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction must be from 0 to 1, not {fraction!r}")
        left = fraction * self.total
        for count, bound in zip(self.counts, self.bounds, strict=True):
            left -= count
            if left <= 0 and count:
                return bound
        return 0.0

    def __repr__(self) -> str:
        found = ", ".join(f"{100 * q:g} %: {self.quantile(q):g} s" for q in (0.5, 0.99, 1))
        return f"<Histogram of {self.total}: {found}>" if self.total else "<Histogram of 0>"


@dataclass(frozen=True, slots=True)
class PollStats(Figures):
    """How often the loop asked the system what is ready.

    Attributes:
        looks: without waiting.
        sleeps: waiting until something is ready or a timer is due.
        empty: looks and sleeps that found nothing.
    """

    looks: int
    sleeps: int
    empty: int


@dataclass(frozen=True, slots=True)
class EarlyStops(Figures):
    """Batches that ended before all that was queued when they began had run.

    Attributes:
        callback: because a callback of the batch queued something more urgent.
        thread: because another thread sent something more urgent.
        quantum: because the time of a batch was over.
    """

    callback: int
    thread: int
    quantum: int


@dataclass(frozen=True, slots=True)
class LevelStats(Figures):
    """What happened at one priority.

    Attributes:
        priority: which.
        runs: callbacks that were run.
        queued: callbacks in the run queue now.
        queued_max: the most that were, when a batch of the level began or a snapshot was taken;
            those that were cancelled since the oldest was queued count too.
        timed_runs: runs whose time was measured.
        run_time: seconds that those took.
        longest_run: seconds that the longest of them took.
        longest_run_name: what that was, as asyncio describes it; None if nothing was measured.
        waits: the times from being queued to being run that were measured.
    """

    _kept = frozenset({"priority", "queued", "queued_max", "longest_run", "longest_run_name"})

    priority: Priority
    runs: int
    queued: int
    queued_max: int
    timed_runs: int
    run_time: float
    longest_run: float
    longest_run_name: str | None
    waits: Histogram


@dataclass(frozen=True, slots=True)
class GateStats(Figures):
    """How the loop and the interpreter's other threads shared the GIL.

    Attributes:
        mode: how much the gate can do here: "gate", "request" or "none".
        requests: how often another thread had the GIL when the loop woke up, and was asked for it.
        repeats: requests that were repeated because the loop still waited.
        waited: seconds in which the loop, awake, waited for the GIL.
        longest_wait: the longest of those waits, in seconds.
        longest_wait_name: the function that kept the GIL for so long; None if that isn't known.
        parks: how often the idle thread stood aside.
        parked: seconds in which it did.
        expired_parks: parks that ended though the loop was awake: it was blocked, or never idle.
        turns: how often a loop that was never idle gave other threads a turn.
    """

    _kept = frozenset({"mode", "longest_wait", "longest_wait_name"})

    mode: Literal["gate", "request", "none"]
    requests: int
    repeats: int
    waited: float
    longest_wait: float
    longest_wait_name: str | None
    parks: int
    parked: float
    expired_parks: int
    turns: int


@dataclass(frozen=True, slots=True)
class SchedulerStats(Figures):
    """What a loop has done since it was made, or between two snapshots.

    `later - earlier` is what happened in between; what isn't a sum is the later one's in it.

    Attributes:
        time: seconds of `loop.time()` at which it was taken; between which, in a difference.
        iterations: turns of the loop.
        polls: how often the system was asked what is ready.
        early_stops: batches that were cut short, by reason.
        low_forced: LOW callbacks that ran because they had waited for `loop.low_max_wait`.
        idle_timeouts: idle calls that were moved to DEFAULT because their timeout was over.
        boosts: tasks that were lent a more urgent priority.
        busy: seconds in which the loop ran and didn't sleep.
        asleep: seconds in which it slept, waiting for I/O or a timer.
        gate: how the loop shared the GIL with other threads.
        levels: what happened at each priority, from URGENT to IDLE; `stats[priority]` is one.
    """

    time: float
    iterations: int
    polls: PollStats
    early_stops: EarlyStops
    low_forced: int
    idle_timeouts: int
    boosts: int
    busy: float
    asleep: float
    gate: GateStats
    levels: tuple[LevelStats, ...]

    def __getitem__(self, priority: Priority | int) -> LevelStats:
        """Returns what happened at one priority.

        Raises:
            ValueError: `priority` is not one of the five.
        """
        return self.levels[Priority(priority) - Priority.URGENT]

    @property
    def idle_units(self) -> int:
        """How many callbacks ran because nothing else could."""
        return self[Priority.IDLE].runs

    @property
    def utilisation(self) -> float:
        """The part of its time, from 0 to 1, in which the loop was busy; 0 if it never ran."""
        total = self.busy + self.asleep
        return self.busy / total if total > 0 else 0.0
