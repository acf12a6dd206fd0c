"""`green`: green threads of Mainspring, gevent and eventlet.

The invariant: every figure comes from a process of its own, which runs one case with one library
and takes the best of its repeats (noise only ever adds). The libraries follow one another within a
case, the cases within a round, so the ratios of a round compare neighbours.
"""

import argparse
import sys

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.green_cases import CASES, LIBRARIES
from benchmarks.options import Result
from benchmarks.proc import choose_cores
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.relative import by_case, relative_groups
from benchmarks.svg import Chart

HELP = "green threads beside gevent's and eventlet's: switches, starts, memory"
CASE_SECONDS = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `green`."""
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        metavar="CASE,CASE",
        help=f"which ones (default: all, {', '.join(CASES)})",
    )
    parser.add_argument(
        "--libraries",
        default=",".join(LIBRARIES),
        metavar="LIBRARY,LIBRARY",
        help=f"which ones (default: {', '.join(LIBRARIES)})",
    )


def one_case(library: str, case: str, cpu: int | None) -> float:
    """Runs one case once.

    Args:
        library: a key of `LIBRARIES`.
        case: a key of `CASES`.
        cpu: the core it is pinned to.

    Returns:
        Nanoseconds, or bytes, per operation.

    Raises:
        BenchmarkError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.green_cases", "--library", library]
    with LineProcess([*command, "--case", case], cpu, f"{library}, {case}") as child:
        return float(child.read(CASE_SECONDS)["value"])


def usable_libraries(asked: str) -> dict[str, str]:
    """Keeps the libraries that work here and names the others on stderr.

    Args:
        asked: keys of `LIBRARIES` between commas.

    Returns:
        The version of each.

    Raises:
        SystemExit: there is no such library.
    """
    names = [name for name in asked.split(",") if name]
    _check(names, list(LIBRARIES))
    found = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks.green_cases", "--library", name]
        try:
            with LineProcess(command, None, name) as child:
                found[name] = str(child.read(CASE_SECONDS)["version"])
        except BenchmarkError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def _check(asked: list[str], known: list[str]) -> None:
    if unknown := [one for one in asked if one not in known]:
        raise SystemExit(f"{unknown[0]!r} isn't known; there are: {', '.join(known)}")


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    cases = [case for case in options.cases.split(",") if case]
    _check(cases, list(CASES))
    versions = usable_libraries(options.libraries)
    cpu = choose_cores().server
    pairs = [(case, name) for case in cases for name in versions if name in CASES[case].libraries]
    flat = interleave(
        options.rounds,
        pairs,
        lambda pair: {"value": one_case(pair[1], pair[0], cpu)},
        lambda pair: f"{pair[0]}/{pair[1]}",
    )
    values = by_case(flat.get("value", {}))
    return {"command": "green", "rounds": options.rounds, "versions": versions, "values": values}


def render(result: Result) -> str:
    """Returns the table of figures, with the ratios to gevent within each round."""
    labels = list(result["versions"])
    rows = []
    for case, found in result["values"].items():
        series = Series(found)
        row = [f"{CASES[case].title}, {CASES[case].unit}"]
        row += [spread(found.get(label, [])) for label in labels]
        row.append(spread(series.ratios("mainspring", "gevent")) if "gevent" in found else "")
        rows.append(row)
    head = (
        f"green threads: median (lowest..highest) of {result['rounds']} interleaved rounds, each "
        f"the best of 3 in a process of its own."
    )
    return f"{head}\n\n{table(['', *labels, 'mainspring / gevent'], rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns one chart: each case relative to gevent, so that all fit on one axis."""
    groups = relative_groups(
        result["values"], "gevent", lambda case: (CASES[case].title, CASES[case].unit)
    )
    note = "relative to gevent within each round; less is better"
    return [Chart("green", "green threads", note, groups)] if groups else []
