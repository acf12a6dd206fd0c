"""The whole experiment: which runs there are, how much each sends, what came of them.

A cell is one way with one send buffer: a quiet run without busy work, then a run with it,
which is ended at 4 times the quiet one. Invariant: the amount of data is chosen so that
the experiment keeps within its time even if every cell goes to its cap; it is the same
for all cells, so that they can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mainspring.cli.demo.cell import RATE, CellError, Cores, Measurement, run_once
from mainspring.cli.demo.registry import Way

FULL_BYTES = 40_000_000
QUICK_BYTES = 12_000_000
LEAST_BYTES = 4_000_000
SEND_BUFFERS = (64 * 1024, 8 * 1024)
CAP = 4
"""A run is ended at this multiple of its quiet time."""
QUIET_DEADLINE = 10
"""A quiet run is ended at this multiple of the time that the receiver's pace asks for: only
a machine that is overloaded gets there, and has no figures worth the wait."""
BUDGET_SECONDS = 270.0
QUICK_BUDGET_SECONDS = 50.0
START_SECONDS = 0.35
"""What starting and ending the processes of one run takes, generously."""


@dataclass(frozen=True)
class Cell:
    """One way with one send buffer.

    Attributes:
        way: the way.
        send_buffer: SO_SNDBUF in bytes.
        quiet: the run without busy work.
        busy: the run with it.
    """

    way: Way
    send_buffer: int
    quiet: Measurement
    busy: Measurement

    @property
    def ratio(self) -> float | None:
        """The busy run's time as a multiple of the quiet one's; None if it was capped."""
        return None if self.busy.capped else self.busy.seconds / self.quiet.seconds

    @property
    def share(self) -> float:
        """The share of the data that came in the busy run, from 0 to 1."""
        return min(1.0, self.busy.received / self.busy.total)

    @property
    def work(self) -> float:
        """The share of the time that sending leaves in which busy chunks ran, from 0 to 1 or so.

        What sending takes is the CPU time of the quiet run, for as much of the data as came.
        """
        left = self.busy.seconds - self.quiet.sender_cpu * self.share
        return self.busy.chunks * self.busy.chunk_ms / 1000 / left


@dataclass
class Experiment:
    """All that was measured, and what wasn't.

    Attributes:
        total: bytes per run.
        quick: whether this was the short form.
        cells: the cells that were measured.
        skipped: name of a way to the reason why it can't run here.
        failed: name of a way and its send buffer to the reason why the cell has no figures.
    """

    total: int
    quick: bool
    cells: list[Cell] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Progress(Protocol):
    """What is told about the experiment while it runs."""

    def begin(self, runs: int) -> None:
        """The experiment begins, with so many runs."""

    def run(self, what: str) -> None:
        """A run begins."""

    def share(self, share: float) -> None:
        """So much of the current run's data came, from 0 to 1."""

    def cell(self, cell: Cell) -> None:
        """A cell is measured."""

    def note(self, text: str) -> None:
        """Something happened that the user should know."""


def size(buffer: int) -> str:
    """Return a buffer's size for people: 65536 is '64 KiB'."""
    return f"{buffer // 1024} KiB"


def bytes_per_run(cells: int, *, quick: bool) -> int:
    """Return how many bytes each run sends so that the experiment fits its time.

    Args:
        cells: how many cells there are.
        quick: whether this is the short form.

    Returns:
        at most FULL_BYTES (quick: QUICK_BYTES), at least LEAST_BYTES, in whole megabytes (int).
    """
    budget, most = (QUICK_BUDGET_SECONDS, QUICK_BYTES) if quick else (BUDGET_SECONDS, FULL_BYTES)
    seconds = (budget / max(1, cells) - 2 * START_SECONDS) / (1 + CAP)
    megabytes = int(seconds * RATE / 1e6)
    return max(LEAST_BYTES, min(most, megabytes * 1_000_000))


def run_experiment(
    ways: Sequence[Way], *, quick: bool, chunk_count: int, cores: Cores, progress: Progress
) -> Experiment:
    """Measure every way with every send buffer.

    Args:
        ways: the ways, in order; those that can't run here are noted and left out.
        quick: send less, so that it takes well under a minute.
        chunk_count: how far a busy chunk counts.
        cores: where the processes run.
        progress: is told what goes on.

    Returns:
        the figures, and the reasons where there are none (Experiment). A cell that fails
        doesn't stop the others.
    """
    reasons = {way.name: way.unavailable() for way in ways}
    runnable = [way for way in ways if reasons[way.name] is None]
    cell_count = len(runnable) * len(SEND_BUFFERS)
    experiment = Experiment(bytes_per_run(cell_count, quick=quick), quick)
    for name, reason in reasons.items():
        if reason is not None:
            experiment.skipped[name] = reason
            progress.note(f"{name} is skipped: {reason}")
    progress.begin(2 * cell_count)
    for send_buffer in SEND_BUFFERS:
        for way in runnable:
            try:
                cell = _measure(way, send_buffer, experiment.total, chunk_count, cores, progress)
            except CellError as error:
                experiment.failed[f"{way.name}, {size(send_buffer)}"] = str(error)
                progress.note(f"{way.name}, {size(send_buffer)} has no figures: {error}")
            else:
                experiment.cells.append(cell)
                progress.cell(cell)
    return experiment


def _measure(
    way: Way, send_buffer: int, total: int, chunk_count: int, cores: Cores, progress: Progress
) -> Cell:
    what = f"{way.name}, {size(send_buffer)}"
    progress.run(f"{what}, quiet")
    quiet = run_once(
        way.name,
        total=total,
        send_buffer=send_buffer,
        chunk_count=None,
        deadline=QUIET_DEADLINE * total / RATE,
        cores=cores,
        progress=progress.share,
    )
    if quiet.capped:
        raise CellError(
            f"without any busy work only {quiet.received / quiet.seconds / 1e6:.0f} MB/s came,"
            f" where the receiver reads {RATE / 1e6:.0f}: this machine is too busy"
        )
    progress.run(f"{what}, busy")
    busy = run_once(
        way.name,
        total=total,
        send_buffer=send_buffer,
        chunk_count=chunk_count,
        deadline=CAP * quiet.seconds,
        cores=cores,
        progress=progress.share,
    )
    return Cell(way, send_buffer, quiet, busy)
