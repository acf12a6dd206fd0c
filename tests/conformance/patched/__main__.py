"""Runs CPython's tests of the patched modules under `mainspring.patch.all()`.

    python -m tests.conformance.patched [-k PATTERN] [-j N] [--json FILE]
    python -m tests.conformance.patched --control --write-baseline

Each test runs in a process of its own, inside a green thread. What it is held to is what the same
interpreter passes unpatched, less what `expected.toml` lists with a reason; the run fails on any
other failure, and on a pass that the list doesn't expect.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import mainspring

from ..program import Subject, make_parser, score
from .suites import collect, judge_in_green_thread, judge_plainly


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = make_parser("python -m tests.conformance.patched", __doc__)
    parser.add_argument("--control", action="store_true", help="without patching, and no loop")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if not options.control:
        # Before the tests are imported, as a program does.
        mainspring.patch.all()
    subject = Subject(
        "how",
        "unpatched" if options.control else "under patch.all()",
        asyncio.SelectorEventLoop,
        held=not options.control,
        folder=Path(__file__).parent,
        judge=judge_plainly if options.control else judge_in_green_thread,
    )
    return score(subject, collect(), options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
