"""The gate's matrix as it stands in docs/reference/gate.md: a column for each interpreter.

The invariant: an interpreter's figures come from one run, and beside each stands its ratio to what
asyncio's loop did in the same rounds. Columns are of different runs and aren't to be compared.
"""

import statistics
from collections.abc import Sequence

from benchmarks.busy import key
from benchmarks.busy_figures import Figures, heading
from benchmarks.figures import number, present, table
from benchmarks.options import Result

LOOP, CONTROL = "mainspring", "asyncio"


def render(results: Sequence[Result]) -> str:
    """Returns the section's tables: for each number of connections requests/s, and p99.

    Args:
        results: of `gate`, one for each interpreter, in the order of the columns.
    """
    parts = []
    for connections in results[0]["connections"]:
        parts.append(heading(results[0], connections))
        for title, measure, scale in (
            ("requests/s", "requests_per_s", 1.0),
            ("p99 in ms", "p99_us", 1000.0),
        ):
            headers = [title, *(f"CPython {result['python']}" for result in results)]
            rows = [
                [case, *(_cell(result, case, connections, measure, scale) for result in results)]
                for case in results[0]["cases"]
            ]
            parts.append(table(headers, rows))
    return "\n\n".join(parts)


def _cell(result: Result, case: str, connections: int, measure: str, scale: float) -> str:
    """Returns the median, and the median and the spread of its ratio to asyncio's."""
    series = Figures(result)[measure]
    cell, control = (key(case, loop, connections) for loop in (LOOP, CONTROL))
    found, ratios = present(series.row(cell)), present(series.ratios(cell, control))
    if not found:
        return "-"
    middle = number(statistics.median(found) / scale)
    if not ratios:
        return middle
    low, high = number(min(ratios)), number(max(ratios))
    return f"{middle}, {number(statistics.median(ratios))}x ({low}..{high})"
