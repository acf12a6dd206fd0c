"""Scores an event loop against the interpreter's own asyncio tests.

    python -m tests.conformance --loop MODULE:FACTORY [-k PATTERN] [-j N] [--json FILE]
    python -m tests.conformance --classes

Any loop gets a scorecard of the tests that asyncio's own loop passes. Mainspring's is held against
the registry too, and the run fails on what isn't expected: a failure without an entry, a pass with
one.
"""

import argparse
import fnmatch
import json
import os
import sys
import time
import unittest
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from . import registry
from .runner import Outcome, Runner
from .suites import classes, collect, resolve, sort_tests

COLUMNS = ("passed", "inapplicable", "later", "skipped", "failed", "unexpected pass")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.conformance", description=__doc__)
    default = os.environ.get("LOOP", "mainspring:new_event_loop")
    parser.add_argument("--loop", default=default, metavar="MODULE:FACTORY", help="or $LOOP")
    parser.add_argument("-k", dest="pattern", default="*", help="part of an id, or a pattern")
    parser.add_argument("-j", dest="jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--limit", type=float, default=30, help="seconds for each test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    parser.add_argument("-v", "--verbose", action="store_true", help="show why a test failed")
    parser.add_argument(
        "--write-baseline", action="store_true", help="keep the passing ids as the denominator"
    )
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


def matching(tests: dict[str, unittest.TestCase], pattern: str) -> dict[str, unittest.TestCase]:
    """Returns the tests whose id matches a shell pattern, or has the pattern as a part."""
    wanted = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return {key: test for key, test in tests.items() if fnmatch.fnmatchcase(key, wanted)}


def scorecard(verdicts: Mapping[str, str]) -> str:
    """Returns a line for each class and one for all."""
    classes: dict[str, Counter[str]] = {}
    for identity, verdict in verdicts.items():
        classes.setdefault(identity.rpartition(".")[0], Counter())[verdict] += 1
    classes["all"] = sum(classes.values(), Counter())
    width = max(map(len, classes))
    lines = [f"{'':{width}}  tests  " + "  ".join(COLUMNS)]
    for name, count in classes.items():
        cells = "  ".join(f"{count[column] or '-':>{len(column)}}" for column in COLUMNS)
        lines.append(f"{name:{width}}  {count.total():>5}  {cells}")
    return "\n".join(lines)


def report(outcomes: Mapping[str, Outcome], verdicts: Mapping[str, str], verbose: bool) -> None:
    """Prints the scorecard and what wasn't expected."""
    print(scorecard(verdicts))
    for kind in ("failed", "unexpected pass"):
        found = sorted(identity for identity, verdict in verdicts.items() if verdict == kind)
        if found:
            print(f"\n{kind}:")
        for identity in found:
            outcome = outcomes[identity]
            how = "" if outcome.outcome in ("failed", "passed") else f" ({outcome.outcome})"
            print(f"  {identity}{how}")
            if verbose and outcome.detail:
                print("    " + outcome.detail.strip().replace("\n", "\n    "))


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    baseline = set() if options.write_baseline else registry.load_baseline()
    if options.classes:
        print(list_classes(baseline))
        return 0
    factory = resolve(options.loop)
    ours = options.loop.partition(":")[0].partition(".")[0] == "mainspring"
    tests = {
        identity: test
        for identity, test in matching(collect(), options.pattern).items()
        if not baseline or identity in baseline
    }
    if not tests:
        print(f"no test matches {options.pattern!r}", file=sys.stderr)
        return 2
    began, outcomes = time.monotonic(), {}
    for identity, outcome in Runner(factory, options.jobs, options.limit).run(tests):
        outcomes[identity] = outcome
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)}/{len(tests)}", end="", file=sys.stderr, flush=True)
    outcomes = {identity: outcomes[identity] for identity in tests}

    verdicts, unknown = registry.judge(outcomes, baseline), []
    if ours:
        entries = registry.load()
        verdicts = registry.judge_ours(outcomes, baseline, entries)
        unknown = registry.stale(entries)
    python = registry.python_version()
    print(f"{options.loop} on Python {python}, {time.monotonic() - began:.0f} s")
    report(outcomes, verdicts, options.verbose)
    if unknown:
        print("\nin the registry, but in no baseline:\n  " + "\n  ".join(unknown))
    if options.json:
        results = {identity: asdict(outcome) for identity, outcome in outcomes.items()}
        for identity, result in results.items():
            result["verdict"] = verdicts[identity]
        document = {"loop": options.loop, "python": python, "tests": results}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.write_baseline:
        passed = [identity for identity, verdict in verdicts.items() if verdict == "passed"]
        print(f"\n{len(passed)} ids in {registry.write_baseline(passed).name}")
    unexpected = {"failed", "unexpected pass"} & set(verdicts.values())
    return 1 if ours and (unexpected or unknown) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
