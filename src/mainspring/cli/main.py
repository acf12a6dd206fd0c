"""The `mainspring` command and its subcommands.

Each subcommand is imported only when it is asked for: `mainspring run` must not pay for the
demo's imports, and a missing extra must not break the rest. What follows a subcommand belongs to
it unread, because a program that is run has options of its own.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: The arguments without the command's own name; None for those of the process.

    Returns:
        The exit code.

    Raises:
        SystemExit: The arguments were wrong, or the program that was run exits so.
    """
    parser = build_parser()
    given = parser.parse_args(argv)
    command: str | None = given.command
    if command is None:
        parser.print_help()
        return USAGE_ERROR
    return COMMANDS[command](given.arguments)


def build_parser() -> argparse.ArgumentParser:
    """Describes the command line.

    Returns:
        A parser whose result has `command` (a name or None) and `arguments` (a list).
    """
    parser = argparse.ArgumentParser(
        prog="mainspring",
        description="One prioritised event loop for every way that Python code waits.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "commands:\n"
            "  run SCRIPT [ARG ...]     run an asyncio program on Mainspring's loop\n"
            "  run -m MODULE [ARG ...]  the same for a module, as `python -m` does\n"
            "  serve MODULE:NAME        serve endpoints until it is interrupted\n"
            "  call URL TOPIC METHOD [KEY=VALUE ...]\n"
            "                           call a method, and print its result\n"
            "  listen URL [TOPIC ...]   print notifications\n"
            "  demo [OPTION ...]        show a transfer beside busy work on every kind of loop\n"
            "  bench [OPTION ...]       measure (needs a checkout of the project)\n"
        ),
    )
    parser.add_argument("--version", action="version", version=f"mainspring {version()}")
    parser.add_argument("command", nargs="?", choices=tuple(COMMANDS), metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    return parser


def version() -> str:
    """Returns the version of the installed package, or "unknown" for a bare source tree."""
    try:
        return importlib.metadata.version("mainspring")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def imported(module: str, name: str) -> Callable[[list[str]], int]:
    """Returns a command that imports what it needs when it is run, and not before.

    Args:
        module: the module that holds the command.
        name: its function there, which takes what followed the command's name and returns the exit
            code.
    """

    def run(arguments: list[str]) -> int:
        command: Callable[[list[str]], int] = getattr(importlib.import_module(module), name)
        return command(arguments)

    return run


def demo_command(arguments: list[str]) -> int:
    """Runs `mainspring demo`.

    Args:
        arguments: What followed `demo`.

    Returns:
        The exit code.
    """
    try:
        from mainspring.cli.demo import main as demo_main
    except ModuleNotFoundError as exc:
        if exc.name is not None and exc.name.partition(".")[0] == "mainspring":
            raise
        print(
            f"mainspring demo: it needs {exc.name}, which comes with the demo extra: "
            "`pip install 'mainspring[demo]'`",
            file=sys.stderr,
        )
        return 1
    return demo_main(arguments)


def bench_command(arguments: list[str]) -> int:
    """Runs `mainspring bench`: the benchmarks of the checkout that this package lies in.

    Args:
        arguments: What followed `bench`.

    Returns:
        The exit code.
    """
    checkout = Path(__file__).resolve().parents[3]
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        print(
            "mainspring bench: the benchmarks are not part of the installed package. Clone the "
            "project and run `make bench` there.",
            file=sys.stderr,
        )
        return 1
    sys.path.insert(0, str(checkout))
    sys.argv = ["mainspring bench", *arguments]
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": imported("mainspring.cli.run", "main"),
    "serve": imported("mainspring.cli.messages", "serve_main"),
    "call": imported("mainspring.cli.messages", "call_main"),
    "listen": imported("mainspring.cli.messages", "listen_main"),
    "demo": demo_command,
    "bench": bench_command,
}
