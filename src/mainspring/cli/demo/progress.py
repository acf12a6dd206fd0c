"""Live progress: bars with rich where it is installed and there is a terminal, else lines.

Invariant: both say the same things, one line for each cell that is measured, and neither
redraws more than four times a second, for the machine is being measured.
"""

import importlib
from types import TracebackType
from typing import Any, Self, TextIO

from mainspring.cli.demo.experiment import Cell, size


def describe(cell: Cell) -> str:
    """Return one line about a cell (str)."""
    busy = cell.busy
    time = f"{busy.seconds:.2f} s, {ratio_text(cell)}"
    return f"{cell.way.name}, {size(cell.send_buffer)}: {time}, echo p99 {busy.echo_p99_ms:.1f} ms"


def ratio_text(cell: Cell) -> str:
    """Return a cell's ratio for people: '1.02x', or '> 4x' with how far it came."""
    if cell.ratio is None:
        return f"> 4x ({cell.share:.0%} sent)"
    return f"{cell.ratio:.2f}x"


class PlainProgress:
    """One line for each cell.

    Args:
        out: where the lines go.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._runs = 0
        self._run = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        pass

    def begin(self, runs: int) -> None:
        """Note how many runs there will be."""
        self._runs = runs

    def run(self, what: str) -> None:
        """Count the run."""
        self._run += 1

    def share(self, share: float) -> None:
        """Lines can't show it."""

    def cell(self, cell: Cell) -> None:
        """Print the cell."""
        self._print(f"[{self._run}/{self._runs}] {describe(cell)}")

    def note(self, text: str) -> None:
        """Print the note."""
        self._print(text)

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class RichProgress:
    """A bar for the experiment and one for the run, above them a line for each cell.

    Args:
        out: a terminal.
    """

    def __init__(self, out: TextIO) -> None:
        rich = importlib.import_module("rich.progress")
        console = importlib.import_module("rich.console").Console(file=out)
        self._bars: Any = rich.Progress(
            rich.TextColumn("{task.description:<38}"),
            rich.BarColumn(bar_width=32),
            rich.TaskProgressColumn(),
            rich.TimeElapsedColumn(),
            console=console,
            refresh_per_second=4,
            transient=True,
        )
        self._all: Any = None
        self._one: Any = None
        self._done = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, runs: int) -> None:
        """Show the two bars."""
        self._all = self._bars.add_task("all runs", total=runs)
        self._one = self._bars.add_task("", total=1.0)

    def run(self, what: str) -> None:
        """Move the upper bar on and begin the lower one again."""
        self._bars.update(self._all, completed=self._done)
        self._bars.update(self._one, description=what, completed=0.0)
        self._done += 1

    def share(self, share: float) -> None:
        """Move the lower bar."""
        self._bars.update(self._one, completed=share)

    def cell(self, cell: Cell) -> None:
        """Print the cell above the bars."""
        self.note(describe(cell))

    def note(self, text: str) -> None:
        """Print the note above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)


def choose_progress(out: TextIO) -> PlainProgress | RichProgress:
    """Return the progress that suits `out`.

    Args:
        out: where the progress is shown.
    """
    if out.isatty():
        try:
            return RichProgress(out)
        except ImportError:
            pass
    return PlainProgress(out)
