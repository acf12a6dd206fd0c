"""What the commands have in common: their shape, and the options that all of them take.

A command is a module with four functions: `add_arguments`, `measure` (runs it and returns what
can be written as JSON), `render` (the tables for that), `charts` (the plots for that). The
invariant: `render` and `charts` see nothing but that result, so a report can be made again from
its JSON file alone.
"""

import argparse
from typing import Any, Protocol

from benchmarks.loops import DEFAULT_LOOPS, LoopName, parse_loops, usable
from benchmarks.svg import Chart

Result = dict[str, Any]


class Command(Protocol):
    """The shape of a command's module."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's own options."""
        ...

    def measure(self, options: argparse.Namespace) -> Result:
        """Runs the command; raises BenchmarkError if what it needs is missing."""
        ...

    def render(self, result: Result) -> str:
        """Returns the tables."""
        ...

    def charts(self, result: Result) -> list[Chart]:
        """Returns the plots."""
        ...


def loop_list(text: str) -> list[LoopName]:
    """The type of `--loops` for argparse."""
    try:
        return parse_loops(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_common(parser: argparse.ArgumentParser, rounds: int, loops: str = DEFAULT_LOOPS) -> None:
    """Adds `--loops`, `--rounds` and `--json`.

    Args:
        parser: the command's parser.
        rounds: its default number of rounds.
        loops: its default loops.
    """
    parser.add_argument(
        "--loops",
        type=loop_list,
        default=loop_list(loops),
        metavar="LOOP,LOOP",
        help=f"MODULE:FACTORY or a short name (default: {loops})",
    )
    parser.add_argument(
        "--rounds", type=int, default=rounds, help=f"interleaved rounds (default: {rounds})"
    )
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")


def select_loops(options: argparse.Namespace) -> tuple[list[LoopName], dict[str, str]]:
    """Returns the usable loops among those asked for, and their versions; names the others."""
    return usable(options.loops)
