"""Runs CPython's tests of the patched modules under `mainspring.patch.all()`.

    python -m tests.conformance.patched [-k PATTERN] [-j N] [--json FILE]
    python -m tests.conformance.patched --control --write-baseline

Each test runs in a process of its own, inside a green thread. What it is held to is what the same
interpreter passes unpatched, less what `expected.toml` lists with a reason; the run fails on any
other failure, and on a pass that the list doesn't expect.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import mainspring

from .. import registry
from ..__main__ import matching, report
from ..runner import Runner
from .suites import collect, judge_in_green_thread, judge_plainly

HERE = Path(__file__).parent
BASELINES = HERE / "baseline"
EXPECTED = HERE / "expected.toml"


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.conformance.patched", description=__doc__)
    parser.add_argument("-k", dest="pattern", default="*", help="part of an id, or a pattern")
    parser.add_argument("-j", dest="jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--limit", type=float, default=30, help="seconds for each test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    parser.add_argument("-v", "--verbose", action="store_true", help="show why a test failed")
    parser.add_argument("--control", action="store_true", help="without patching, and no loop")
    parser.add_argument(
        "--write-baseline", action="store_true", help="keep the passing ids as the denominator"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if not options.control:
        # Before the tests are imported, as a program does.
        mainspring.patch.all()
    baseline = set() if options.write_baseline else registry.load_baseline(BASELINES)
    tests = {
        identity: test
        for identity, test in matching(collect(), options.pattern).items()
        if not baseline or identity in baseline
    }
    if not tests:
        print(f"no test matches {options.pattern!r}", file=sys.stderr)
        return 2
    judge = judge_plainly if options.control else judge_in_green_thread
    runner = Runner(asyncio.SelectorEventLoop, options.jobs, options.limit, judge)
    began, outcomes = time.monotonic(), {}
    for identity, outcome in runner.run(tests):
        outcomes[identity] = outcome
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)}/{len(tests)}", end="", file=sys.stderr, flush=True)
    outcomes = {identity: outcomes[identity] for identity in tests}

    verdicts, unknown = registry.judge(outcomes, baseline), []
    if not options.control:
        entries = registry.load(EXPECTED)
        verdicts = registry.judge_ours(outcomes, baseline, entries)
        unknown = registry.stale(entries, BASELINES)
    python = registry.python_version()
    how = "unpatched" if options.control else "under patch.all()"
    print(f"{how} on Python {python}, {time.monotonic() - began:.0f} s")
    report(outcomes, verdicts, options.verbose)
    if unknown:
        print("\nin the registry, but in no baseline:\n  " + "\n  ".join(unknown))
    if options.json:
        results = {identity: asdict(outcome) for identity, outcome in outcomes.items()}
        for identity, result in results.items():
            result["verdict"] = verdicts[identity]
        document = {"how": how, "python": python, "tests": results}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.write_baseline:
        passed = [identity for identity, verdict in verdicts.items() if verdict == "passed"]
        print(f"\n{len(passed)} ids in {registry.write_baseline(passed, BASELINES).name}")
    unexpected = {"failed", "unexpected pass"} & set(verdicts.values())
    return 1 if not options.control and (unexpected or unknown) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
