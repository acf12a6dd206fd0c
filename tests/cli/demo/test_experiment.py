"""The plan of the experiment.

Invariant proved: it keeps within its time even if every cell goes to its cap, and a way
that can't run, or fails, doesn't take the others with it.
"""

import pytest

from mainspring.cli.demo.cell import RATE, Cores
from mainspring.cli.demo.experiment import (
    BUDGET_SECONDS,
    CAP,
    FULL_BYTES,
    LEAST_BYTES,
    QUICK_BUDGET_SECONDS,
    START_SECONDS,
    Cell,
    bytes_per_run,
    run_experiment,
)
from mainspring.cli.demo.registry import Way, needs
from mainspring.cli.demo.work import Work


class Notes:
    """Keeps what an experiment tells."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def begin(self, runs: int) -> None:
        self.notes.append(f"{runs} runs")

    def run(self, what: str) -> None:
        self.notes.append(what)

    def share(self, share: float) -> None:
        assert 0 <= share <= 1

    def cell(self, cell: Cell) -> None:
        self.notes.append(f"{cell.way.name} measured")

    def note(self, text: str) -> None:
        self.notes.append(text)


def never(work: Work) -> None:
    raise AssertionError("a way that isn't there was run")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("cells", range(2, 31, 2))
def test_the_data_fits_the_time_even_if_every_cell_is_capped(cells: int, quick: bool) -> None:
    total = bytes_per_run(cells, quick=quick)
    seconds = cells * (2 * START_SECONDS + (1 + CAP) * total / RATE)
    budget = QUICK_BUDGET_SECONDS if quick else BUDGET_SECONDS
    assert seconds <= budget or total == LEAST_BYTES


def test_eight_ways_with_two_buffers_send_all_of_the_data() -> None:
    assert bytes_per_run(16, quick=False) == FULL_BYTES


def test_the_quick_form_sends_less() -> None:
    assert bytes_per_run(16, quick=True) < bytes_per_run(16, quick=False) / 4


def test_a_way_that_cannot_run_is_skipped_with_the_reason() -> None:
    notes = Notes()
    way = Way("absent", "none", 1, never, needs("no_such_module"))
    result = run_experiment(
        [way], quick=True, chunk_count=1000, cores=Cores(None, None), progress=notes
    )
    assert list(result.skipped) == ["absent"]
    assert "no_such_module can't be imported" in result.skipped["absent"]
    assert notes.notes[1:] == ["0 runs"]
    assert not result.cells


def test_a_way_that_fails_is_noted_for_each_buffer_and_the_others_go_on() -> None:
    # No child process finds this name in its registry, so its sender fails for certain.
    way = Way("unregistered", "none", 1, never, lambda: None)
    result = run_experiment(
        [way], quick=True, chunk_count=1000, cores=Cores(None, None), progress=Notes()
    )
    assert list(result.failed) == ["unregistered, 64 KiB", "unregistered, 8 KiB"]
    assert all("the sender failed" in reason for reason in result.failed.values())
