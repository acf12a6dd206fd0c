"""`gate`: an echo beside busy threads, in every combination that decides whether the gate holds.

The cells are {1, 2, 4 busy threads} x {without, with a function in `run_idle`} x {niceness 0, 19 of
the busy threads} x {1, 20 connections}. The invariant: a cell is measured exactly as one of
`latency` is, and asyncio's loop runs the same cells as the control, with the idle function as one
more thread.
"""

import argparse
import json
import platform
from itertools import product

from benchmarks import busy, gate_docs
from benchmarks.busy import NOTHING, Case, key
from benchmarks.busy_figures import Figures, chart, heading
from benchmarks.figures import spread, table
from benchmarks.options import Result, add_common
from benchmarks.processes import BenchmarkError
from benchmarks.svg import Chart

HELP = "the echo beside 1, 2 and 4 busy threads, with and without an idle function, nice 0 and 19"
THREADS = (1, 2, 4)
IDLE = (0, 1)
NICE = (0, 19)


def matrix() -> list[Case]:
    """Returns the combinations, after the case that has nothing beside the echo."""
    return [
        NOTHING,
        *[
            Case(
                f"{threads} busy, {idle} idle, nice {nice}",
                ("thread",) * threads + ("idle",) * idle,
                nice,
            )
            for threads, idle, nice in product(THREADS, IDLE, NICE)
        ],
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `gate`."""
    add_common(parser, rounds=3, loops="asyncio,mainspring")
    busy.add_arguments(parser, seconds=1.0)
    parser.add_argument(
        "--docs",
        nargs="+",
        metavar="FILE",
        help="measure nothing; of what --json printed with each interpreter make the tables of "
        "docs/reference/gate.md",
    )


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds, or reads what others have given."""
    if options.docs:
        return {"joined": [_read(name) for name in options.docs]}
    result = busy.measure_cases("gate", matrix(), options, one_core=False, rate=0)
    return {**result, "python": platform.python_version()}


def _read(name: str) -> Result:
    try:
        with open(name, encoding="utf-8") as file:
            result: Result = json.load(file)
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{name} can't be read: {error}") from error
    if result.get("command") != "gate" or "python" not in result:
        raise BenchmarkError(f"{name} is not what `python -m benchmarks gate --json` printed")
    return result


def render(result: Result) -> str:
    """Returns a table for each number of connections; for `--docs` those of the documentation."""
    if "joined" in result:
        return gate_docs.render(result["joined"])
    if not result["values"]:
        return "Nothing was measured."
    parts = []
    for connections in result["connections"]:
        parts += [heading(result, connections), _table(result, connections)]
    return "\n\n".join(parts)


def _table(result: Result, connections: int) -> str:
    figures = Figures(result)
    rate, p99 = figures["requests_per_s"], figures["p99_us"]
    rows = []
    for case in result["cases"]:
        control = key(case, "asyncio", connections)
        for loop in result["versions"]:
            cell = key(case, loop, connections)
            rows.append(
                [
                    f"{case}: {loop}",
                    *[spread(series.row(cell)) for series in (rate, figures["p50_us"], p99)],
                    spread(rate.ratios(cell, control)),
                    spread(p99.ratios(cell, control)),
                    spread(figures["beside_per_s"].row(cell)),
                ]
            )
    headers = [
        "beside the echo",
        "requests/s",
        "p50 us",
        "p99 us",
        "requests/s / asyncio",
        "p99 / asyncio",
        "units/s of the work",
    ]
    return table(headers, rows)


def charts(result: Result) -> list[Chart]:
    """Returns the charts of requests per second, one for each number of connections."""
    note = "requests per second; more is better"
    return [
        chart(result, connections, "requests_per_s", "throughput", note)
        for connections in result["connections"]
    ]
