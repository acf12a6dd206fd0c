"""`latency`: an echo server's latency while its process does other work as well.

The invariant: every loop does the same work, in units of the same length, in the best way that it
has; the table names the way. Beside the echo's figures stand the work's own: a loop that keeps its
latency by not doing the work would show there.
"""

import argparse

from benchmarks import busy
from benchmarks.beside import JSON_BYTES, UNIT_SECONDS
from benchmarks.busy import NOTHING, Case, key, select_cases
from benchmarks.busy_figures import Figures, chart, heading
from benchmarks.figures import spread, table
from benchmarks.options import Result, add_common
from benchmarks.svg import Chart

HELP = "echo latency while the process also works, and what becomes of the work"
ROUND_TRIPS = Case("round-trips", ("trips",))
CASES = [
    NOTHING,
    Case("low-tasks", ("tasks",)),
    Case("idle-calls", ("calls",)),
    Case("run-idle", ("idle",)),
    Case("run-idle+thread", ("idle", "thread")),
    Case("1-thread", ("thread",)),
    Case("2-threads", ("thread",) * 2),
    Case("4-threads", ("thread",) * 4),
    Case("json", ("json",)),
    ROUND_TRIPS,
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `latency`."""
    add_common(parser, rounds=5)
    busy.add_arguments(parser, seconds=2.0)
    names = ", ".join(case.name for case in CASES)
    parser.add_argument(
        "--cases", default="", metavar="CASE,CASE", help=f"what runs beside the echo: {names} (all)"
    )
    parser.add_argument(
        "--rate",
        type=int,
        default=0,
        help="requests per second that begin by the clock, over all connections; latencies then "
        "count from when a request was due (0: a connection's next begins when its last is back)",
    )
    parser.add_argument("--one-core", action="store_true", help="server and client on one core")


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if options.rate < 0:
        raise SystemExit(f"--rate is to be 0 or more, not {options.rate}")
    return busy.measure_cases(
        "latency",
        select_cases(options.cases, CASES),
        options,
        one_core=options.one_core,
        rate=options.rate,
    )


def render(result: Result) -> str:
    """Returns two tables for each number of connections: the echo, and the work beside it."""
    if not result["values"]:
        return "Nothing was measured."
    parts = []
    for connections in result["connections"]:
        parts += [heading(result, connections), _echo_table(result, connections)]
        if len(result["cases"]) > 1:
            parts += [_about_work(result), _work_table(result, connections)]
    return "\n\n".join(parts)


def _about_work(result: Result) -> str:
    text = (
        f"The work beside it, in units of {UNIT_SECONDS * 1e6:.0f} us of Python (json: of "
        f"{JSON_BYTES // 10**6} MB in one call; round-trips: of a call in a thread and back). The "
        f"echo's share of the core is its requests/s x the server's CPU time per request with "
        f"nothing beside it; what it leaves is the rest. *Of what is left*: units/s beside the "
        f"echo / (units/s alone x what is left)."
    )
    if result["one_core"]:
        text += " With the client, its CPU time counts as well: it is on the same core."
    return text


def _echo_table(result: Result, connections: int) -> str:
    figures = Figures(result)
    rows = []
    for case in result["cases"]:
        for loop in result["versions"]:
            cell, quiet = (key(name, loop, connections) for name in (case, NOTHING.name))
            peer = key(case, "uvloop", connections)
            p50, p99, rate = figures["p50_us"], figures["p99_us"], figures["requests_per_s"]
            rows.append(
                [
                    f"{case}: {loop}",
                    spread(rate.row(cell)),
                    *[spread(figures[name].row(cell)) for name in ("p50_us", "p99_us", "p999_us")],
                    spread(p50.differences(cell, quiet)),
                    spread(p99.differences(cell, quiet)),
                    spread(rate.ratios(cell, quiet)),
                    spread(rate.ratios(cell, peer)),
                    spread(p99.ratios(cell, peer)),
                ]
            )
    headers = [
        "beside the echo",
        "requests/s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "p50 - nothing's, us",
        "p99 - nothing's, us",
        "requests/s / nothing's",
        "requests/s / uvloop",
        "p99 / uvloop",
    ]
    return table(headers, rows)


def _work_table(result: Result, connections: int) -> str:
    figures = Figures(result)
    alone, beside = figures["alone_per_s"], figures["beside_per_s"]
    rows = []
    for case in result["cases"]:
        if case == NOTHING.name:
            continue
        for loop in result["versions"]:
            cell = key(case, loop, connections)
            row = [
                f"{case}: {loop}",
                _ways(result["ways"].get(cell, [])),
                spread(alone.row(cell)),
                spread(beside.row(cell)),
                spread(figures.share(case, loop, connections, client=False)),
            ]
            for client in [False, True] if result["one_core"] else [False]:
                used = figures.used(case, loop, connections, client=client)
                # Those that wait for one another never fill the core.
                row.append("-" if case == ROUND_TRIPS.name else spread(used))
            rows.append([*row, spread(beside.ratios(cell, key(case, "asyncio", connections)))])
    headers = ["beside the echo", "how", "units/s alone", "units/s beside", "echo's share"]
    headers.append("of what is left")
    if result["one_core"]:
        headers.append("with the client")
    return table([*headers, "units/s / asyncio"], rows)


def _ways(ways: list[str]) -> str:
    counts = {way: ways.count(way) for way in ways}
    return " + ".join(way if many == 1 else f"{many} {way}" for way, many in counts.items())


def charts(result: Result) -> list[Chart]:
    """Returns the charts of the 99th percentile, one for each number of connections."""
    return [
        chart(result, connections, "p99_us", "p99", "microseconds; less is better")
        for connections in result["connections"]
    ]
