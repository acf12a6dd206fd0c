"""What a loop counts, as plain Python counts it: the sums that the statistics must equal.

The invariant: a loop that ran the same program has equal `Counts`, whoever counted.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from mainspring import Priority, SchedulerStats


@dataclass
class Counts:
    """The sums of one loop; what happened at a level is counted by its value."""

    iterations: int = 0
    early_stops: Counter[str] = field(default_factory=Counter)
    low_forced: int = 0
    idle_timeouts: int = 0
    runs: Counter[int] = field(default_factory=Counter)
    run_time: Counter[int] = field(default_factory=Counter)
    waits: Counter[tuple[int, int]] = field(default_factory=Counter)
    queued: Counter[int] = field(default_factory=Counter)

    def add_wait(self, level: int, seconds: float) -> None:
        """Counts a wait by the number of binary digits of its microseconds."""
        self.waits[level, int(seconds * 1e6).bit_length()] += 1

    @classmethod
    def of(cls, stats: SchedulerStats) -> Self:
        """Returns what a loop's statistics say."""
        counts = cls(stats.iterations, low_forced=stats.low_forced)
        counts.idle_timeouts = stats.idle_timeouts
        for reason in ("callback", "thread", "quantum"):
            counts.early_stops[reason] = getattr(stats.early_stops, reason)
        for level in Priority:
            counts.runs[level] = stats[level].runs
            counts.run_time[level] = stats[level].run_time
            counts.queued[level] = stats[level].queued
            for bucket, waits in enumerate(stats[level].waits.counts):
                counts.waits[level, bucket] = waits
        return counts
