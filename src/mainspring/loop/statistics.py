"""Statistics of a loop, what is measured for them, and the report of a level that locks others out.

The compiled scheduler counts; here the counts get their names and types, and what held the loop
up gets described. A description is made of a callback that ran already, never kept alive for it.
"""

from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from asyncio.format_helpers import _format_callback_source
from asyncio.log import logger
from typing import Any

from mainspring.core.gate import Gate
from mainspring.core.priority import Priority
from mainspring.loop.part import Part
from mainspring.loop.scheduler_stats import (
    EarlyStops,
    GateStats,
    Histogram,
    LevelStats,
    PollStats,
    SchedulerStats,
)

__all__ = ["Statistics"]


class Statistics(Part):
    """What a loop tells of itself."""

    def scheduler_stats(self, *, restart_maxima: bool = False) -> SchedulerStats:
        """Returns a snapshot of what the loop has done. May be called from any thread.

        Parameters:
            restart_maxima: True to begin anew, after this snapshot, with `queued_max`,
                `longest_run` and the gate's `longest_wait`; for a program that takes snapshots
                regularly.

        Returns:
            A `SchedulerStats`; of two, the difference is what happened in between.
        """
        # All at one moment; after this other threads may run.
        found = self._read_statistics(restart_maxima)
        return SchedulerStats(
            time=found["time"],
            iterations=found["iterations"],
            polls=PollStats(
                looks=found["looks"], sleeps=found["sleeps"], empty=found["empty_polls"]
            ),
            early_stops=EarlyStops(
                callback=found["stopped_by_callback"],
                thread=found["stopped_by_thread"],
                quantum=found["stopped_by_quantum"],
            ),
            low_forced=found["low_forced"],
            idle_timeouts=found["idle_timeouts"],
            boosts=found["boosts"],
            busy=found["running"] - found["asleep"],
            asleep=found["asleep"],
            gate=_gate(self.gate, restart_maxima),
            levels=tuple(_level(priority, found) for priority in Priority),
        )

    def set_scheduler_stats(
        self, *, run_times: bool | None = None, waits: bool | None = None
    ) -> None:
        """Switches the statistics that need a look at the clock for each callback.

        Both are off at first. What was measured stays when they are switched off. May be called
        from any thread.

        Parameters:
            run_times: whether to measure how long callbacks run: `run_time`, `longest_run`.
            waits: whether to measure how long they stand in the run queue: `waits`. Those that are
                queued already don't count.
        """
        self._measure(run_times, waits)

    def _describe_run(self, handle: Any, callback: Any) -> str:
        """Returns what ran, as asyncio names it in debug mode; also when it cancelled itself."""
        try:
            if handle.cancelled() and callback is not None:
                return f"<Handle {_format_callback_source(callback, ())}>"
            described: str = _format_handle(handle)
        except Exception as exc:
            return f"<{type(handle).__name__} that can't be described: {type(exc).__name__}>"
        return described

    def _report_lock_out(self, level: int, waited: float, handle: Any) -> None:
        """Logs that a level above DEFAULT keeps DEFAULT waiting; `handle` is its next."""
        stats = self.scheduler_stats().levels[level]
        longest = ""
        # Many short ones are no single one's fault.
        if stats.longest_run_name is not None and stats.longest_run >= waited / 10:
            longest = (
                f"; its longest took {stats.longest_run:.3f} seconds: {stats.longest_run_name}"
            )
        logger.warning(
            "DEFAULT work has waited for %.3f seconds, because there is always work at %s; "
            "the next of it is %s%s",
            waited,
            stats.priority.name,
            self._describe_run(handle, None),
            longest,
        )


def _gate(gate: Gate, restart_maxima: bool) -> GateStats:
    counts = gate.counts()
    code = gate.longest_refusal()
    if restart_maxima:
        gate.restart_maximum()
    return GateStats(
        mode=gate.mode,
        requests=counts["requests"],
        repeats=counts["repeats"],
        waited=counts["waited_ns"] / 1e9,
        longest_wait=counts["longest_wait_ns"] / 1e9,
        longest_wait_name=code
        and f"{code.co_qualname} at {code.co_filename}:{code.co_firstlineno}",
        parks=counts["parks"],
        parked=counts["parked_ns"] / 1e9,
        expired_parks=counts["expired_parks"],
        turns=counts["turns"],
    )


def _level(priority: Priority, found: dict[str, Any]) -> LevelStats:
    index = priority - Priority.URGENT
    return LevelStats(
        priority=priority,
        runs=found["runs"][index],
        queued=found["queued"][index],
        queued_max=found["queued_max"][index],
        timed_runs=found["timed_runs"][index],
        run_time=found["run_time"][index],
        longest_run=found["longest_run"][index],
        longest_run_name=found["longest_names"][index],
        waits=Histogram(tuple(found["waits"][index])),
    )
