"""What the programs that score CPython's own tests share: their arguments, the run, the report.

A `Subject` is what is scored. If it is held to a registry, the run fails on what that doesn't
expect: a failure without an entry, a pass with one, an entry that names no test.
"""

import argparse
import fnmatch
import json
import sys
import time
import unittest
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from . import registry
from .runner import Judge, Outcome, Runner, judge_on_loop
from .suites import Factory

COLUMNS = ("passed", "inapplicable", "later", "skipped", "failed", "unexpected pass")


@dataclass(frozen=True)
class Subject:
    """What is scored.

    Args:
        kind: what sort of thing it is, as results in JSON have it.
        name: what it is called in the report.
        factory: makes the loops of the tests.
        held: whether the registry counts.
        folder: where the registry and the baselines lie.
        judge: runs one test.
    """

    kind: str
    name: str
    factory: Factory
    held: bool
    folder: Path = registry.HERE
    judge: Judge = judge_on_loop

    @property
    def baselines(self) -> Path:
        """The folder of the baselines."""
        return self.folder / "baseline"

    def entries(self) -> dict[str, registry.Entry]:
        """Reads what isn't expected to pass; nothing if it isn't held to that."""
        return registry.load(self.folder / "expected.toml") if self.held else {}


def make_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Returns a parser of the arguments that all these programs take."""
    parser = argparse.ArgumentParser(name, description=description)
    parser.add_argument("-k", dest="pattern", default="*", help="part of an id, or a pattern")
    parser.add_argument("-j", dest="jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--limit", type=float, default=30, help="seconds for each test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    parser.add_argument("-v", "--verbose", action="store_true", help="show why a test failed")
    parser.add_argument(
        "--write-baseline", action="store_true", help="keep the passing ids as the denominator"
    )
    return parser


def score(
    subject: Subject, found: Mapping[str, unittest.TestCase], options: argparse.Namespace
) -> int:
    """Runs those of the tests that are wanted, and reports.

    Returns:
        The status to exit with: 0 if all is as expected, 1 if not, 2 if no test is wanted.
    """
    baseline = set() if options.write_baseline else registry.load_baseline(subject.baselines)
    tests = {
        identity: test
        for identity, test in matching(found, options.pattern).items()
        if not baseline or identity in baseline
    }
    if not tests:
        print(f"no test matches {options.pattern!r}", file=sys.stderr)
        return 2
    entries = subject.entries()
    hanging = {name: entry.limit for name, entry in entries.items() if entry.limit is not None}
    runner = Runner(subject.factory, options.jobs, options.limit, subject.judge, hanging)
    began, outcomes = time.monotonic(), {}
    for identity, outcome in runner.run(tests):
        outcomes[identity] = outcome
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)}/{len(tests)}", end="", file=sys.stderr, flush=True)
    outcomes = {identity: outcomes[identity] for identity in tests}

    if subject.held:
        verdicts = registry.judge_ours(outcomes, baseline, entries)
    else:
        verdicts = registry.judge(outcomes, baseline)
    unknown = registry.stale(entries, subject.baselines)
    python = registry.python_version()
    print(f"{subject.name} on Python {python}, {time.monotonic() - began:.0f} s")
    report(outcomes, verdicts, options.verbose)
    if unknown:
        print("\nin the registry, but in no baseline:\n  " + "\n  ".join(unknown))
    if options.json:
        results = {identity: asdict(outcome) for identity, outcome in outcomes.items()}
        for identity, result in results.items():
            result["verdict"] = verdicts[identity]
        document = {subject.kind: subject.name, "python": python, "tests": results}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.write_baseline:
        passed = [identity for identity, verdict in verdicts.items() if verdict == "passed"]
        written = registry.write_baseline(passed, subject.baselines)
        print(f"\n{len(passed)} ids in {written.name}")
    unexpected = {"failed", "unexpected pass"} & set(verdicts.values())
    return 1 if subject.held and (unexpected or unknown) else 0


def matching(tests: Mapping[str, unittest.TestCase], pattern: str) -> dict[str, unittest.TestCase]:
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
