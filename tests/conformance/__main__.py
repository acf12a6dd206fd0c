"""Scores an event loop against the interpreter's own asyncio tests.

    python -m tests.conformance --loop MODULE:FACTORY [-k PATTERN] [-j N] [--json FILE]
    python -m tests.conformance --classes

Any loop gets a scorecard of the tests that asyncio's own loop passes. Mainspring's is held against
the registry too, and the run fails on what isn't expected: a failure without an entry, a pass with
one.
"""

import argparse
import os
import sys
from collections import Counter

from . import registry
from .program import Subject, make_parser, score
from .suites import classes, collect, resolve, sort_tests


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = make_parser("python -m tests.conformance", __doc__)
    default = os.environ.get("LOOP", "mainspring:new_event_loop")
    parser.add_argument("--loop", default=default, metavar="MODULE:FACTORY", help="or $LOOP")
    parser.add_argument(
        "--classes", action="store_true", help="list every class of tests, and why it is left out"
    )
    return parser.parse_args(arguments)


def list_classes(baseline: set[str]) -> str:
    """Returns a line for each class: how many of its tests count, and why not the others."""
    lines = []
    for name, test in classes():
        reasons = sort_tests(name, test)
        counting = sum(f"{name}.{method}" in baseline for method in reasons)
        lines.append(f"{name}: {counting} of {len(reasons)}")
        for reason, count in Counter(filter(None, reasons.values())).items():
            lines.append(f"    {count} left out: {reason}")
        rest = len(reasons) - counting - sum(reason is not None for reason in reasons.values())
        if rest:
            lines.append(f"    {rest} ask for no loop, or asyncio's doesn't pass them here")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.classes:
        print(list_classes(registry.load_baseline()))
        return 0
    ours = options.loop.partition(":")[0].partition(".")[0] == "mainspring"
    subject = Subject("loop", options.loop, resolve(options.loop), held=ours)
    return score(subject, collect(), options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
