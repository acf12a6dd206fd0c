"""`callgrind`: instructions per operation, for differences that are too small for a clock.

The invariant: a figure is the difference between a run of 2N operations and one of N, divided
by N. Whatever happens once (the interpreter's start, imports, the loop's making and closing)
is in both and cancels out; what is left of it (the start varies by a few million instructions
with the addresses that the system hands out) is divided by an N that makes it small.
Instructions repeat to a fraction of a percent where times on a shared machine vary by tens, so
a claim such as "at most 2 %" is made here.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import number, progress, table
from benchmarks.loops import LoopName
from benchmarks.micro_cases import CASES
from benchmarks.options import Result, add_common, select_loops
from benchmarks.processes import BenchmarkError, start
from benchmarks.svg import Bar, Chart

HELP = "instructions per call_soon and per task switch, counted by valgrind"
DEFAULT_CASES = "call_soon,switch"
RUN_SECONDS = 600.0
TOTALS = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `callgrind`."""
    add_common(parser, rounds=1)
    parser.add_argument(
        "--cases", default=DEFAULT_CASES, metavar="CASE,CASE", help=f"({DEFAULT_CASES})"
    )
    parser.add_argument("--operations", type=int, default=100_000, help="N (100,000)")


def instructions(loop: LoopName, case: str, operations: int) -> int:
    """Counts the instructions of a whole process that runs one case.

    Args:
        loop: where it runs.
        case: a key of `CASES`.
        operations: how many.

    Returns:
        Instructions, of all threads.

    Raises:
        BenchmarkError: valgrind or the case failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command += [sys.executable, "-m", "benchmarks.micro_cases", "--loop", loop.spec]
        command += ["--case", case, "--operations", str(operations), "--repeats", "1"]
        process = start(command, None, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise BenchmarkError(f"it took more than {RUN_SECONDS:.0f} s.") from error
        found = TOTALS.search(out.read_text()) if out.exists() else None
        if process.returncode or not found:
            lines = said.decode().strip().splitlines() or ["no output"]
            raise BenchmarkError(f"valgrind failed: {lines[-1]}")
    return int(found.group(1))


def measure(options: argparse.Namespace) -> Result:
    """Counts each case on each loop, with N and with 2N operations."""
    if not shutil.which("valgrind"):
        raise BenchmarkError(
            "`callgrind` needs valgrind, which isn't installed (Debian: apt-get install valgrind)."
        )
    loops, versions = select_loops(options)
    cases = [case for case in options.cases.split(",") if case]
    if unknown := [case for case in cases if case not in CASES]:
        raise SystemExit(f"{unknown[0]!r} is no case; there are: {', '.join(CASES)}")
    values: dict[str, dict[str, float | None]] = {}
    for case in cases:
        for loop in loops:
            progress(f"{case}: {loop.label}")
            each: float | None = None
            try:
                once = instructions(loop, case, options.operations)
                twice = instructions(loop, case, 2 * options.operations)
                each = (twice - once) / options.operations
            except BenchmarkError as error:
                print(f"{loop.label}, {case}: {error}", file=sys.stderr)
            values.setdefault(case, {})[loop.label] = each
    progress("")
    return {
        "command": "callgrind",
        "operations": options.operations,
        "versions": versions,
        "values": values,
    }


def render(result: Result) -> str:
    """Returns the table, with the ratio to uvloop beside each count."""
    labels = list(result["versions"])
    rows = []
    for case, found in result["values"].items():
        base = found.get("uvloop")
        cells = [CASES[case].title]
        for label in labels:
            count = found.get(label)
            if count is None:
                cells.append("-")
            else:
                cells.append(number(count) + (f" ({count / base:.2f})" if base else ""))
        rows.append(cells)
    head = (
        f"instructions per operation (ratio to uvloop): the difference between "
        f"{2 * result['operations']:,} and {result['operations']:,} operations under callgrind."
    )
    return f"{head}\n\n{table(['', *labels], rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of instructions."""
    groups = []
    for case, found in result["values"].items():
        bars = [
            Bar(label, count, count, count, number(count))
            for label, count in found.items()
            if count is not None
        ]
        groups.append((CASES[case].title, bars))
    return [Chart("callgrind", "instructions per operation", "less is better", groups)]
