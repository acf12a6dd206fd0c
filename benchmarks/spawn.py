"""`spawn`: a thousand subprocesses, fifty at a time, on each loop.

The invariant: a round counts only if every child's exit was told with its return code, and none is
left as a zombie; a loop that loses one has that as its result, not a time. Loops follow one another
within a round, each in a process of its own.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from functools import partial

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import LoopName, make_loop
from benchmarks.options import Result, add_common, select_loops
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.relative import median_bars
from benchmarks.svg import Chart

HELP = "milliseconds per subprocess, 1,000 of them through 50 at a time; none lost, no zombie"
ROUND_SECONDS = 300.0
MEASURES = {
    "ms": "ms per child",
    "cpu_ms": "CPU of the loop's process, ms per child",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `spawn`."""
    add_common(parser, rounds=5)
    parser.add_argument("--count", type=int, default=1000, help="children (1,000)")
    parser.add_argument("--at-once", type=int, default=50, help="at a time (50)")
    parser.add_argument("--program", default="/bin/true", help="what they run (/bin/true)")
    parser.add_argument(
        "--pipe", action="store_true", help="read each child's output through a pipe"
    )


def one_round(
    loop: LoopName, *, count: int, at_once: int, program: str, pipe: bool
) -> dict[str, float]:
    """Runs all children once, on one loop.

    Args:
        loop: where they run.
        count: how many.
        at_once: how many at a time.
        program: what each runs.
        pipe: True to read its output.

    Returns:
        Milliseconds per child, by the clock and of the CPU.

    Raises:
        BenchmarkError: it failed, lost a child, or left a zombie.
    """
    command = [sys.executable, "-m", "benchmarks.spawn", loop.spec, str(count), str(at_once)]
    command += [program, "pipe" if pipe else "none"]
    with LineProcess(command, None, loop.label) as child:
        found = child.read(ROUND_SECONDS)
    if found["lost"] or found["zombies"]:
        raise BenchmarkError(f"{found['lost']} children lost, {found['zombies']} zombies")
    return {key: found[key] for key in MEASURES}


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if options.count < 1 or options.at_once < 1:
        raise BenchmarkError("`spawn` needs --count and --at-once of 1 or more.")
    loops, versions = select_loops(options)
    run = partial(
        one_round,
        count=options.count,
        at_once=options.at_once,
        program=options.program,
        pipe=options.pipe,
    )
    return {
        "command": "spawn",
        "rounds": options.rounds,
        "count": options.count,
        "at_once": options.at_once,
        "program": options.program,
        "pipe": options.pipe,
        "versions": versions,
        "values": interleave(options.rounds, loops, run, lambda loop: loop.label),
    }


def render(result: Result) -> str:
    """Returns the table, with the ratio to asyncio within each round."""
    values = result["values"]
    if not values:
        return "Nothing was measured."
    rows = []
    for label in result["versions"]:
        row = [label]
        for key in MEASURES:
            series = Series(values[key])
            row += [spread(series.values[label]), spread(series.ratios(label, "asyncio"))]
        rows.append(row)
    headers = ["loop"]
    for title in MEASURES.values():
        headers += [title, "ratio to asyncio"]
    piped = ", output read through a pipe" if result["pipe"] else ""
    head = (
        f"{result['count']:,} subprocesses ({result['program']}{piped}) through "
        f"{result['at_once']} at a time: median (lowest..highest) of {result['rounds']} "
        f"interleaved rounds, in which no child was lost and no zombie left."
    )
    return f"{head}\n\n{table(headers, rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of milliseconds per child."""
    bars = median_bars(result["values"].get("ms", {}), " ms")
    note = "milliseconds per child; less is better"
    return [Chart("spawn", "subprocesses", note, [("", bars)])]


async def _run_all(count: int, at_once: int, program: str, stdout: int | None) -> int:
    """Runs the children; returns how many exits were told as they should be."""
    told = 0
    left = iter(range(count))

    async def work() -> None:
        nonlocal told
        for _ in left:
            process = await asyncio.create_subprocess_exec(program, stdout=stdout)
            await process.communicate()
            told += process.returncode == 0

    await asyncio.gather(*[work() for _ in range(at_once)])
    return told


def _zombies() -> int:
    try:
        return int(os.waitpid(-1, os.WNOHANG) is not None)
    except ChildProcessError:
        return 0


def main() -> None:
    """Runs one round in this process; prints its figures as one line of JSON."""
    spec, count, at_once, program, pipe = sys.argv[1:]
    loop = make_loop(spec)
    asyncio.set_event_loop(loop)
    stdout = asyncio.subprocess.PIPE if pipe == "pipe" else None
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    told = loop.run_until_complete(_run_all(int(count), int(at_once), program, stdout))
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {
        "ms": seconds * 1000 / int(count),
        "cpu_ms": cpu * 1000 / int(count),
        "lost": int(count) - told,
        "zombies": _zombies(),
    }
    loop.close()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
