"""`micro`: nanoseconds per scheduling operation on each loop.

The invariant: every figure comes from a process of its own, which runs one case on one loop and
takes the best of its repeats (noise only ever adds). The loops follow one another within a case,
the cases within a round, so the ratios of a round compare neighbours.
"""

import argparse
import sys
from functools import partial

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import LoopName
from benchmarks.micro_cases import CASES
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import choose_cores
from benchmarks.processes import LineProcess
from benchmarks.relative import by_case, relative_groups
from benchmarks.svg import Chart

HELP = "nanoseconds per call_soon, task switch, timer, queue round trip and so on"
CASE_SECONDS = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `micro`."""
    add_common(parser, rounds=5)
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        metavar="CASE,CASE",
        help=f"which ones (default: all, {', '.join(CASES)})",
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs within a process (3)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="factor on the number of operations (1)"
    )


def one_case(loop: LoopName, *, case: str, repeats: int, scale: float, cpu: int | None) -> float:
    """Runs one case once.

    Args:
        loop: where it runs.
        case: a key of `CASES`.
        repeats: how many times within the process; the best counts.
        scale: factor on the case's own number of operations.
        cpu: the core it is pinned to.

    Returns:
        Nanoseconds per operation.

    Raises:
        BenchmarkError: it failed.
    """
    operations = max(1, round(CASES[case].operations * scale))
    command = [sys.executable, "-m", "benchmarks.micro_cases", "--loop", loop.spec]
    command += ["--case", case, "--operations", str(operations), "--repeats", str(repeats)]
    with LineProcess(command, cpu, f"{loop.label}, {case}") as child:
        return float(child.read(CASE_SECONDS)["ns"])


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    loops, versions = select_loops(options)
    cases = [case for case in options.cases.split(",") if case]
    if unknown := [case for case in cases if case not in CASES]:
        raise SystemExit(f"{unknown[0]!r} is no case; there are: {', '.join(CASES)}")
    cpu = choose_cores().server

    def one(pair: tuple[str, LoopName]) -> dict[str, float]:
        case, loop = pair
        # The thread of this case has to run beside the loop, as it would in a program.
        where = None if case == "threadsafe" else cpu
        run = partial(one_case, repeats=options.repeats, scale=options.scale, cpu=where)
        return {"ns": run(loop, case=case)}

    pairs = [(case, loop) for case in cases for loop in loops]
    flat = interleave(options.rounds, pairs, one, lambda pair: f"{pair[0]}/{pair[1].label}")
    values = by_case(flat.get("ns", {}))
    return {
        "command": "micro",
        "rounds": options.rounds,
        "repeats": options.repeats,
        "versions": versions,
        "values": values,
    }


def render(result: Result) -> str:
    """Returns the table of nanoseconds, and the one of ratios to uvloop within each round."""
    labels = list(result["versions"])
    times: list[list[str]] = []
    ratios: list[list[str]] = []
    for case, rows in result["values"].items():
        series = Series(rows)
        name = CASES[case].title
        times.append([name, *[spread(rows.get(label, [])) for label in labels]])
        ratios.append([name, *[spread(series.ratios(label, "uvloop")) for label in labels]])
    head = (
        f"scheduling, nanoseconds per operation: median (lowest..highest) of {result['rounds']} "
        f"interleaved rounds, each the best of {result['repeats']} in a process of its own."
    )
    text = f"{head}\n\n{table(['', *labels], times)}"
    if "uvloop" in labels:
        text += "\n\nratio to uvloop within each round (below 1 is faster):\n\n"
        text += table(["", *labels], ratios)
    return text


def charts(result: Result) -> list[Chart]:
    """Returns one chart: each case relative to uvloop, so that all fit on one axis."""
    groups = relative_groups(result["values"], "uvloop", lambda case: (CASES[case].title, "ns"))
    note = "time relative to uvloop within each round; less is better"
    return [Chart("micro", "scheduling", note, groups)] if groups else []
