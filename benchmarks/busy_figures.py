"""What the cells of `latency` and `gate` say: shares of the core, headings, charts.

The invariant: what the echo leaves for the work is computed from the same loop's cell with nothing
beside it, in the same round: a core, less the CPU time of so many requests.
"""

import statistics

from benchmarks.busy import NOTHING, SIZE, key
from benchmarks.figures import Series, number, per_round, present
from benchmarks.options import Result
from benchmarks.svg import Bar, Chart

# Where the echo takes nearly all of the core, what it leaves is noise.
LEAST_LEFT = 0.05


class Figures:
    """The values of a run, and what follows from them within each round.

    Args:
        result: of a command whose values are kept under the keys of cells.
    """

    def __init__(self, result: Result) -> None:
        self._series = {name: Series(rows) for name, rows in result["values"].items()}

    def __getitem__(self, measure: str) -> Series:
        return self._series.get(measure, Series({}))

    def share(self, case: str, loop: str, connections: int, *, client: bool) -> list[float | None]:
        """Returns the share of a core that the echo takes at the rate that it has in a cell.

        Args:
            case: the case's name.
            loop: the loop's label.
            connections: how many.
            client: True to count the client's CPU time as well, which is on the same core.
        """
        quiet = key(NOTHING.name, loop, connections)
        cost = self["cpu_us"].row(quiet)
        if client:
            cost = per_round(lambda a, b: a + b, cost, self["client_us"].row(quiet))
        requests = self["requests_per_s"].row(key(case, loop, connections))
        return per_round(lambda rate, us: min(1.0, rate * us / 1e6), requests, cost)

    def used(self, case: str, loop: str, connections: int, *, client: bool) -> list[float | None]:
        """Returns the work done, as a share of what it would do in what the echo leaves.

        Args:
            case: the case's name.
            loop: the loop's label.
            connections: how many.
            client: True if the client is on the same core.

        Returns:
            For each round (units/s beside the echo) / (units/s alone x (1 - the echo's share)), or
            None where the echo leaves nothing to speak of.
        """
        cell = key(case, loop, connections)
        return per_round(
            lambda beside, alone, share: (
                beside / (alone * (1 - share)) if alone and 1 - share > LEAST_LEFT else None
            ),
            self["beside_per_s"].row(cell),
            self["alone_per_s"].row(cell),
            self.share(case, loop, connections, client=client),
        )


def heading(result: Result, connections: int) -> str:
    """Returns what a table shows, in a sentence."""
    if result["one_core"] or not result["pinned"]:
        where = "server and client on one core"
    else:
        where = "server and client on a core each"
    load = f"{result['rate']:,} requests/s by the clock" if result["rate"] else "one in flight each"
    many = "1 connection" if connections == 1 else f"{connections} connections"
    return (
        f"{many}, {load}, {SIZE} B: median (lowest..highest) of {result['rounds']} interleaved "
        f"rounds of {result['seconds']:g} s; {where}."
    )


def chart(result: Result, connections: int, measure: str, what: str, note: str) -> Chart:
    """Returns the chart of one measure, with a group of bars for each case.

    Args:
        result: what `measure_cases` returned.
        connections: how many.
        measure: the measure's name.
        what: the same for people.
        note: its unit, and which way is better.
    """
    series = Figures(result)[measure]
    groups = []
    for case in result["cases"]:
        bars = []
        for loop in result["versions"]:
            cell = key(case, loop, connections)
            if row := present(series.row(cell)):
                middle = statistics.median(row)
                bars.append(Bar(loop, middle, min(row), max(row), number(middle)))
        groups.append((case, bars))
    name = f"{result['command']}-{connections}"
    if result["rate"]:
        name += f"-{result['rate']}"
    if result["one_core"]:
        name += "-one-core"
    title = f"echo beside other work: {what}, connections: {connections}"
    return Chart(name, title, note, groups)
