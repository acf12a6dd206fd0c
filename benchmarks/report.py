"""`report`: runs the set and writes results/report.md with its plots.

The invariant: the report says everything that is needed to judge it: machine, kernel, versions,
the command behind each table, and a sentence for each part that was left out and why. A part
that can't run here never stops the others. The values of all rounds lie beside it in
results.json, and it is written after each part, so a run that is cut short keeps what it has.
"""

import argparse
import json
import platform
import shlex
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.build import RESULTS
from benchmarks.loops import usable
from benchmarks.options import Command, Result, add_common
from benchmarks.proc import choose_cores, machine
from benchmarks.processes import BenchmarkError
from benchmarks.svg import Chart, draw

HELP = "run the set and write benchmarks/results/report.md with plots"
# Both together: glibc neither maps a large read buffer anew each time nor gives it back.
MALLOC = "--env MALLOC_MMAP_THRESHOLD_=4194304 --env MALLOC_TRIM_THRESHOLD_=8388608"
DATAGRAMS = "--api datagrams --size 100"
PACED = "--connections 1 --rate 2000 --one-core --cases low-tasks,idle-calls,run-idle"

# What runs, and how much less of it with --quick.
PARTS = [
    ("echo", "--seconds 2", "--seconds 0.5"),
    ("echo", "--seconds 2 --connections 1", "--seconds 0.5 --connections 1"),
    ("echo", "--seconds 2 --connections 1000", "--seconds 0.5 --connections 1000"),
    ("echo", "--seconds 2 --size 65536", "--seconds 0.5 --size 65536"),
    ("echo", f"--seconds 2 --size 65536 {MALLOC}", ""),
    ("echo", f"--seconds 2 {MALLOC}", ""),
    ("echo", "--seconds 2 --api buffered", "--seconds 0.5 --api buffered"),
    ("echo", "--seconds 2 --tls", "--seconds 0.5 --tls"),
    ("echo", f"--seconds 2 --tls {MALLOC}", ""),
    ("echo", "--seconds 2 --api streams", "--seconds 0.5 --api streams"),
    (
        "echo",
        f"--seconds 2 {DATAGRAMS} --connections 1",
        f"--seconds 0.5 {DATAGRAMS} --connections 1",
    ),
    (
        "echo",
        f"--seconds 2 {DATAGRAMS} --connections 10 --burst 16",
        f"--seconds 0.5 {DATAGRAMS} --connections 10 --burst 16",
    ),
    ("latency", "--seconds 1", "--seconds 0.3 --cases low-tasks,run-idle,1-thread"),
    (
        "latency",
        f"--seconds 2 {PACED}",
        f"--seconds 0.5 {PACED}",
    ),
    ("gate", "--connections 1", ""),
    ("micro", "", "--repeats 2 --scale 0.5"),
    ("http", "--seconds 3", "--seconds 1"),
    ("syscalls", "", "--count 200"),
    ("memory", "", "--first 2000 --more 4000"),
    ("memory", "--tls --first 1000 --more 4000", "--tls --first 200 --more 400"),
    ("soak", "--count 1000000", "--count 30000"),
    ("spawn", "", "--count 100"),
    ("callgrind", "", ""),
]
QUICK_ONLY_SKIPS = ("callgrind", "gate")
REPEATED = ("echo", "latency", "micro", "http", "spawn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `report`."""
    add_common(parser, rounds=5)
    parser.add_argument("--quick", action="store_true", help="a short pass, to check the set")
    parser.add_argument("--only", default="", metavar="COMMAND,COMMAND", help="some of the set")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="the folder (benchmarks/results)"
    )


def plan(options: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """Returns the commands to run with their arguments.

    Args:
        options: those of `report`.
    """
    only = set(filter(None, options.only.split(",")))
    if unknown := only - {name for name, _, _ in PARTS}:
        raise SystemExit(f"{sorted(unknown)[0]!r} is no part of the report.")
    chosen: list[tuple[str, list[str]]] = []
    for name, full, quick in PARTS:
        if only and name not in only:
            continue
        if options.quick and (name in QUICK_ONLY_SKIPS or MALLOC in full):
            continue
        arguments = shlex.split(quick if options.quick else full)
        if name in REPEATED:
            rounds = min(options.rounds, 2) if options.quick else options.rounds
            arguments += ["--rounds", str(rounds)]
        chosen.append((name, arguments))
    return chosen


def run_part(name: str, arguments: list[str], loops: str) -> Result:
    """Runs one command in this process.

    Args:
        name: the command.
        arguments: its arguments, without `--loops`.
        loops: the value of `--loops`.

    Returns:
        Its result, or `{"command": ..., "problem": ...}` where it can't run here.
    """
    command = _module(name)
    parser = argparse.ArgumentParser(prog=name)
    command.add_arguments(parser)
    try:
        result = command.measure(parser.parse_args([*arguments, "--loops", loops]))
    except BenchmarkError as error:
        return {"command": name, "problem": str(error)}
    return result


def _module(name: str) -> Command:
    command: Command = import_module(
        "benchmarks.http_plaintext" if name == "http" else f"benchmarks.{name}"
    )
    return command


def measure(options: argparse.Namespace) -> Result:
    """Runs the parts in turn and writes the report after each."""
    loops, versions = usable(options.loops)
    result: Result = {
        "command": "report",
        "output": str(options.output),
        "quick": options.quick,
        "machine": machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "build": platform.python_compiler(),
        "pinned": choose_cores().server is not None,
        "versions": versions,
        "missing": [loop.label for loop in options.loops if loop not in loops],
        "parts": [],
    }
    names = ",".join(loop.spec for loop in loops)
    for name, arguments in plan(options):
        print(f"-- {shlex.join([name, *arguments])}", file=sys.stderr)
        began = time.monotonic()
        part = run_part(name, arguments, names)
        seconds = round(time.monotonic() - began)
        result["parts"].append({"arguments": arguments, "seconds": seconds, "result": part})
        write(result, options.output)
    return result


def write(result: Result, folder: Path) -> None:
    """Writes report.md, the plots and results.json.

    Args:
        result: what `measure` has so far.
        folder: where to; made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in result["parts"]:
        for chart in _charts(part["result"]):
            (folder / f"{chart.name}.svg").write_text(draw(chart))
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "report.md").write_text(document(result))


def _charts(part: Result) -> list[Chart]:
    if "problem" in part:
        return []
    return _module(part["command"]).charts(part)


def document(result: Result) -> str:
    """Returns the report's text."""
    about: dict[str, Any] = result["machine"]
    versions = ", ".join(f"{label} {version}" for label, version in result["versions"].items())
    cores = "server and client on a core each" if result["pinned"] else "one core for both"
    lines = [
        "# Benchmarks",
        "",
        f"{about['processor']}, {about['cores']} cores ({cores}), {about['memory']}; "
        f"{about['kernel']}, {about['libc']}; {result['python']} ({result['build']}); {versions}.",
        "",
        "Each cell is the median (lowest..highest) of its rounds; each ratio is formed within a "
        "round. The values of all rounds are in results.json.",
    ]
    if result["quick"]:
        lines += ["", "**A quick pass: it shows that the set runs; the figures mean little.**"]
    if result["missing"]:
        lines += ["", f"Not available here: {', '.join(result['missing'])}."]
    for part in result["parts"]:
        found = part["result"]
        lines += ["", f"## {found['command']}", ""]
        call = shlex.join(["python", "-m", "benchmarks", found["command"], *part["arguments"]])
        lines += [f"`{call}` ({part['seconds']} s)", ""]
        if "problem" in found:
            lines.append(f"Left out: {found['problem']}")
            continue
        lines.append(_module(found["command"]).render(found))
        lines += [f"\n![{chart.title}]({chart.name}.svg)" for chart in _charts(found)]
    return "\n".join(lines) + "\n"


def render(result: Result) -> str:
    """Returns where the report lies, and which parts were left out."""
    lines = [f"The report is {Path(result['output']) / 'report.md'}."]
    for part in result["parts"]:
        if problem := part["result"].get("problem"):
            lines.append(f"Left out, {part['result']['command']}: {problem}")
    return "\n".join(lines)


def charts(result: Result) -> list[Chart]:
    """Returns the plots of all parts."""
    return [chart for part in result["parts"] for chart in _charts(part["result"])]
