"""`callgrind`: instructions per operation, for differences that are too small for a clock.

The invariant: a figure is the difference between a run of 2N operations and one of N, divided
by N. Whatever happens once (the interpreter's start, imports, the loop's making and closing)
is in both and cancels out; what is left of it (the start varies by a few million instructions
with the addresses that the system hands out) is divided by an N that makes it small.
Instructions repeat to a fraction of a percent where times on a shared machine vary by tens, so
a claim such as "at most 2 %" is made here. An echo is counted in its server alone: the client is a
process of its own. Of a call both ends are counted: they are in one process.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from benchmarks.figures import number, progress, table
from benchmarks.loops import LoopName
from benchmarks.micro_cases import CASES
from benchmarks.nats.rpc import server_url
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores
from benchmarks.processes import BenchmarkError, LineProcess, start
from benchmarks.servers import Load, python_server
from benchmarks.svg import Bar, Chart

HELP = "instructions per call_soon, task switch, echo or call, counted by valgrind"
DEFAULT_CASES = "call_soon,switch"
# Each with what the server is written with: 1 KiB, 100 connections, as `echo` has it.
ECHOES = {"echo": "protocol", "echo-streams": "streams"}
# As `rpc` has it: the peer, the URL, how many are in flight, and the bytes of an echo. One that is
# only nats:// is that of a server for the time of the count.
CALLS = {
    "call": ("mainspring", "memory://bench", 64, 64),
    "call-nats": ("mainspring", "nats://", 64, 64),
    "request-nats-py": ("nats-py", "nats://", 64, 64),
}
TITLES = (
    {name: case.title for name, case in CASES.items()}
    | {name: f"echo, {api}, 1 KiB x 100 connections" for name, api in ECHOES.items()}
    | {
        name: f"{peer}, {url.partition('//')[0]}//, {size} bytes, {in_flight} in flight"
        for name, (peer, url, in_flight, size) in CALLS.items()
    }
)
RUN_SECONDS = 600.0
START_SECONDS = 120.0
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
        case: a key of `TITLES`.
        operations: how many.

    Returns:
        Instructions, of all threads.

    Raises:
        BenchmarkError: valgrind or the case failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        if case in ECHOES:
            said = _serve([*command, *python_server(loop, ECHOES[case])], operations)
        elif case in CALLS:
            peer, url, in_flight, size = CALLS[case]
            counts = [str(operations), str(in_flight), str(size)]
            with nullcontext(url) if url != "nats://" else server_url() as url:
                command += [sys.executable, "-m", "benchmarks.rpc", peer, loop.spec, url]
                said = _run([*command, *counts])
        else:
            command += [sys.executable, "-m", "benchmarks.micro_cases", "--loop", loop.spec]
            command += ["--case", case, "--operations", str(operations), "--repeats", "1"]
            said = _run(command)
        found = TOTALS.search(out.read_text()) if out.exists() else None
        if not found:
            raise BenchmarkError(f"valgrind failed: {said}")
    return int(found.group(1))


def _run(command: list[str]) -> str:
    """Runs a case to its end; returns the last line of what it said."""
    process = start(command, None, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise BenchmarkError(f"it took more than {RUN_SECONDS:.0f} s.") from error
    last = (said.decode().strip().splitlines() or ["no output"])[-1]
    if process.returncode:
        raise BenchmarkError(f"valgrind failed: {last}")
    return last


def _serve(command: list[str], echoes: int) -> str:
    """Has a server answer so many requests; returns what to say if it wasn't counted."""
    server = LineProcess([*command[:1], "-q", *command[1:]], name="the server under valgrind")
    with server:
        port = int(server.read(START_SECONDS)["port"])
        with Load(server, port, 100, 1024, Cores(None, None)) as load:
            load.phase(RUN_SECONDS, echoes)
    return "the server left no count"


def measure(options: argparse.Namespace) -> Result:
    """Counts each case on each loop, with N and with 2N operations."""
    if not shutil.which("valgrind"):
        raise BenchmarkError(
            "`callgrind` needs valgrind, which isn't installed (Debian: apt-get install valgrind)."
        )
    loops, versions = select_loops(options)
    cases = [case for case in options.cases.split(",") if case]
    if unknown := [case for case in cases if case not in TITLES]:
        raise SystemExit(f"{unknown[0]!r} is no case; there are: {', '.join(TITLES)}")
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
        cells = [TITLES[case]]
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
        groups.append((TITLES[case], bars))
    return [Chart("callgrind", "instructions per operation", "less is better", groups)]
