"""What is expected of Mainspring: the baseline, and the registry of expected failures.

The baseline lists, for each Python, the tests that ask for a loop and that asyncio's own loop
passes: the denominator.
The registry lists each of those that Mainspring isn't expected to pass yet (`later`) or ever
(`inapplicable`), with the reason. The invariant: a test that fails without an entry and a test
that passes with one are both unexpected, so the list can't go stale.
An entry of tests that hang says how long they may, `limit`; one of tests that pass on some runs, by
what happens to run first, says `sometimes`.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .runner import Outcome

HERE = Path(__file__).parent
BASELINES = HERE / "baseline"
KINDS = ("inapplicable", "later")


@dataclass(frozen=True)
class Entry:
    """One test that is expected to fail."""

    identity: str
    kind: str
    reason: str
    # Seconds after which it is ended: it hangs, and a run need not wait as long as for the others.
    limit: float | None = None
    # It passes now and then, which is no news.
    sometimes: bool = False


def python_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def load(path: Path = HERE / "expected.toml", python: str = "") -> dict[str, Entry]:
    """Reads the registry.

    Args:
        path: the TOML file.
        python: the version whose entries are wanted; the running one by default.

    Returns:
        The entries by test id.

    Raises:
        ValueError: an entry has an unknown kind, lacks a reason, or is there twice.
    """
    python = python or python_version()
    entries: dict[str, Entry] = {}
    for group in tomllib.loads(path.read_text()).get("expected", []):
        if group.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, not {group.get('kind')!r}")
        if not group.get("reason", "").strip():
            raise ValueError(f"no reason is given for {group['tests']}")
        if python not in group.get("python", [python]):
            continue
        for identity in group["tests"]:
            if identity in entries:
                raise ValueError(f"{identity} is in the registry twice")
            entries[identity] = Entry(
                identity,
                group["kind"],
                group["reason"],
                group.get("limit"),
                group.get("sometimes", False),
            )
    return entries


def baseline_path(python: str = "", folder: Path = BASELINES) -> Path:
    """Returns where the baseline of a Python version lies."""
    return folder / f"{python or python_version()}.txt"


def load_baseline(folder: Path = BASELINES) -> set[str]:
    """Returns the ids that the control passes on this Python; empty if it was never scored."""
    path = baseline_path(folder=folder)
    return set(path.read_text().split()) if path.exists() else set()


def write_baseline(identities: Iterable[str], folder: Path = BASELINES) -> Path:
    """Writes the ids that the control passes on this Python."""
    path = baseline_path(folder=folder)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{identity}\n" for identity in sorted(identities)))
    return path


def judge(outcomes: Mapping[str, Outcome], baseline: set[str]) -> dict[str, str]:
    """Sorts outcomes without a registry: passed, failed, skipped.

    Without a baseline, a test that never asked for a loop counts as skipped.
    """
    verdicts = {}
    for identity, outcome in outcomes.items():
        if identity not in baseline and (baseline or not outcome.asked):
            verdicts[identity] = "skipped"
        elif outcome.outcome in ("passed", "skipped"):
            verdicts[identity] = outcome.outcome
        else:
            verdicts[identity] = "failed"
    return verdicts


def judge_ours(
    outcomes: Mapping[str, Outcome], baseline: set[str], entries: Mapping[str, Entry]
) -> dict[str, str]:
    """Sorts outcomes against the registry; adds the verdict `unexpected pass`."""
    verdicts = judge(outcomes, baseline)
    for identity, verdict in verdicts.items():
        entry = entries.get(identity)
        if verdict == "skipped" and identity in baseline:
            verdicts[identity] = verdict = "failed"
        if entry is not None and verdict == "passed" and not entry.sometimes:
            verdicts[identity] = "unexpected pass"
        elif entry is not None:
            verdicts[identity] = entry.kind
    return verdicts


def ever_known(folder: Path = BASELINES) -> set[str]:
    """Returns the ids that are in the baseline of any Python."""
    return set().union(*(path.read_text().split() for path in folder.glob("*.txt")))


def stale(entries: Iterable[str], folder: Path = BASELINES) -> list[str]:
    """Returns the ids in the registry that no baseline has: a typo, or a test that was renamed."""
    return sorted(set(entries) - ever_known(folder))
