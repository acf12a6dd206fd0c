"""The demo's command line: options, progress, the report, the picture.

Invariant: what the user asked for is checked before the first run, so that nobody waits
four minutes for an error; and with `--json -` nothing but JSON goes to standard output.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from mainspring.cli.demo.cell import Cores
from mainspring.cli.demo.experiment import Experiment, run_experiment
from mainspring.cli.demo.picture import draw
from mainspring.cli.demo.progress import choose_progress
from mainspring.cli.demo.registry import UnknownWayError, Way, select_ways
from mainspring.cli.demo.report import as_json, chart, conclusion, disturbance, table
from mainspring.cli.demo.work import calibrate

PICTURE_NAME = "demo.svg"
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser (argparse.ArgumentParser)."""
    options = argparse.ArgumentParser(
        prog="mainspring demo",
        description="Send 40 MB beside busy Python work, in each way there is to wait, and"
        " compare what becomes of the transfer and of an echo on a second connection.",
    )
    options.add_argument("--quick", action="store_true", help="send less: under a minute in all")
    options.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is stdout")
    options.add_argument("--only", nargs="+", metavar="NAME", default=[], help="only these ways")
    options.add_argument("--list", action="store_true", help="list the ways and end")
    options.add_argument(
        "--output", metavar="DIR", default="demo-results", help="where the picture goes"
    )
    return options


def main(argv: list[str]) -> int:
    """Run the demo.

    Args:
        argv: the arguments, without the program's name.

    Returns:
        0; 1 if a cell failed or nothing was measured; 2 for a mistake in the arguments;
        130 after Ctrl-C.
    """
    options = parser().parse_args(argv)
    out = sys.stderr if options.json == "-" else sys.stdout
    try:
        ways = select_ways(options.only)
        if options.list:
            _list(ways, out)
            return 0
        picture = Path(options.output) / PICTURE_NAME
        picture.parent.mkdir(parents=True, exist_ok=True)
        with _json_output(options.json) as json_out:
            experiment = _run(ways, options.quick, out)
            _show(experiment, out)
            if experiment.cells:
                picture.write_text(draw(experiment), encoding="utf-8")
                print(f"\nThe picture: {picture}", file=out)
            if json_out is not None:
                json.dump(as_json(experiment), json_out, indent=2)
                json_out.write("\n")
    except UnknownWayError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"can't use {error.filename or 'the network'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("\nmainspring demo: interrupted, nothing is left running", file=sys.stderr)
        return INTERRUPTED
    return 0 if experiment.cells and not experiment.failed else 1


def _complain(text: str) -> int:
    print(f"mainspring demo: {text}", file=sys.stderr)
    return 2


def _list(ways: list[Way], out: TextIO) -> None:
    width = max(len(way.name) for way in ways)
    for way in ways:
        reason = way.unavailable()
        tail = "" if reason is None else f"  (can't run here: {reason})"
        print(f"{way.name:<{width}}  {way.model}{tail}", file=out)


@contextlib.contextmanager
def _json_output(target: str | None) -> Iterator[TextIO | None]:
    """Open where the JSON goes: before the runs, so that a bad path is seen at once."""
    if target is None:
        yield None
    elif target == "-":
        yield sys.stdout
    else:
        with open(target, "w", encoding="utf-8") as file:
            yield file


def _calibrate(core: int | None) -> int:
    """Return how far a chunk counts, found out on the core that will run the chunks."""
    if core is None:
        return calibrate()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return calibrate()
    finally:
        os.sched_setaffinity(0, before)


def _run(ways: list[Way], quick: bool, out: TextIO) -> Experiment:
    cores = Cores.available()
    chunk_count = _calibrate(cores.sender)
    with choose_progress(out) as progress:
        return run_experiment(
            ways, quick=quick, chunk_count=chunk_count, cores=cores, progress=progress
        )


def _show(experiment: Experiment, out: TextIO) -> None:
    sections = []
    if experiment.cells:
        sections += [table(experiment.cells), chart(experiment.cells)]
    missing = [f"Skipped: {name}: {why}." for name, why in experiment.skipped.items()]
    missing += [f"Failed: {name}: {why}." for name, why in experiment.failed.items()]
    if missing:
        sections.append("\n".join(missing))
    sections.append(conclusion(experiment))
    warning = disturbance(experiment)
    if warning is not None:
        sections.append(warning)
    print("\n" + "\n\n".join(sections), file=out)
