"""Medians, spreads, paired ratios and tables: how every figure of the benchmarks is shown.

The invariant: a ratio is always formed within one round, between two servers that ran one
after the other, and only then summarised; a ratio of two medians would compare moments that
had different neighbours on the machine. Every figure carries its spread (lowest..highest),
because 1.01 is parity.
"""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks.processes import BenchmarkError


class Series:
    """The values of one measure, by name of the loop and round; a failed round is None."""

    def __init__(self, values: Mapping[str, Sequence[float | None]]) -> None:
        self.values = {name: list(row) for name, row in values.items()}

    def median(self, name: str) -> float | None:
        """Returns the median over the rounds that gave a value, or None if none did."""
        found = present(self.values.get(name, []))
        return statistics.median(found) if found else None

    def ratios(self, name: str, base: str) -> list[float | None]:
        """Returns name / base for each round in which both gave a value.

        Args:
            name: the loop in question.
            base: what it is compared with.
        """
        return per_round(lambda a, b: a / b if b else None, self.row(name), self.row(base))

    def differences(self, name: str, base: str) -> list[float | None]:
        """Returns name - base for each round in which both gave a value; see `ratios`."""
        return per_round(lambda a, b: a - b, self.row(name), self.row(base))

    def row(self, name: str) -> list[float | None]:
        """Returns the values of one loop, none if it wasn't measured."""
        return self.values.get(name, [])


def per_round(
    compute: Callable[..., float | None], *rows: Sequence[float | None]
) -> list[float | None]:
    """Returns what is computed of the values of each round.

    Args:
        compute: takes a value of each row and returns one, or None where there is none.
        rows: the values by round; a round in which one is None gives None.
    """
    return [
        None if any(value is None for value in values) else compute(*values)
        for values in zip(*rows, strict=False)
    ]


def present(values: Sequence[float | None]) -> list[float]:
    """Returns the values that are there."""
    return [value for value in values if value is not None]


def number(value: float) -> str:
    """Returns a figure with three significant digits, or whole with separators from 1,000 up."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:.{digits}f}"


def spread(values: Sequence[float | None]) -> str:
    """Returns "median (lowest..highest)", or a dash where nothing was measured.

    Args:
        values: one per round, None where the round failed.
    """
    found = present(values)
    if not found:
        return "-"
    middle = number(statistics.median(found))
    if len(found) == 1:
        return middle
    return f"{middle} ({number(min(found))}..{number(max(found))})"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lays out a table that reads well in a terminal and is Markdown as well.

    Args:
        headers: the names of the columns; the first is aligned left, the others right.
        rows: the cells, as many in a row as there are headers.

    Returns:
        The lines, without a newline at the end.
    """
    cells = [list(headers), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        shown = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "| " + " | ".join(shown) + " |"

    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])


def interleave[Name](
    rounds: int,
    names: Sequence[Name],
    measure: Callable[[Name], dict[str, float]],
    label: Callable[[Name], str] = str,
) -> dict[str, dict[str, list[float | None]]]:
    """Measures all in turn, A B C A B C, so that each round's figures are neighbours in time.

    What fails is reported on stderr and gives None in that round; the others go on.

    Args:
        rounds: how often each is measured.
        names: what is measured.
        measure: returns the figures of one round by measure.
        label: how a name is shown.

    Returns:
        The values as measure -> label -> one per round.
    """
    rows: list[tuple[str, dict[str, float]]] = []
    for turn in range(rounds):
        for name in names:
            shown = label(name)
            progress(f"round {turn + 1} of {rounds}: {shown}")
            try:
                rows.append((shown, measure(name)))
            except BenchmarkError as error:
                rows.append((shown, {}))
                print(f"{shown}, round {turn + 1}: {error}", file=sys.stderr)
    progress("")
    measures = dict.fromkeys(key for _, row in rows for key in row)
    return {
        key: {
            label(name): [row.get(key) for shown, row in rows if shown == label(name)]
            for name in names
        }
        for key in measures
    }


def progress(text: str) -> None:
    """Shows where a run is, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
