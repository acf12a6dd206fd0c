"""Figures for the tests of what is made from figures.

Invariant: nothing here is random, so a report is the same in every run.
"""

from mainspring.cli.demo.cell import Measurement
from mainspring.cli.demo.experiment import Cell, Experiment
from mainspring.cli.demo.registry import select_ways


def measurement(
    seconds: float, *, chunks: int = 0, early: int = 0, p99: float = 0.2, received: int = 100
) -> Measurement:
    """Return a measurement of 100 bytes; with less received, one that was capped."""
    return Measurement(
        seconds=seconds,
        received=received,
        total=100,
        capped=received < 100,
        echoes=50,
        echo_p50_ms=p99 / 2,
        echo_p99_ms=p99,
        chunks=chunks,
        chunks_begun_writable=early,
        chunk_ms=5.0 if chunks else 0.0,
        sender_cpu=0.4,
    )


def cell(
    way: str, send_buffer: int, seconds: float, *, received: int = 100, early: int = 0
) -> Cell:
    """Return a cell with a quiet time of 2 s."""
    busy = measurement(seconds, chunks=100, early=early, p99=7.5, received=received)
    return Cell(select_ways([way])[0], send_buffer, measurement(2.0), busy)


def experiment(*cells: Cell) -> Experiment:
    """Return an experiment with these cells."""
    return Experiment(100, quick=False, cells=list(cells))
