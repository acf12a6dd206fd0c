"""The harness itself: each way a test can end is told apart, and the registry can't go stale."""

import asyncio
import os
import signal
import unittest

import pytest

from . import registry
from .runner import Outcome, Runner


class Sample(unittest.TestCase):
    """Tests that end in each possible way."""

    __test__ = False

    def passes(self) -> None:
        self.assertEqual(asyncio.run(asyncio.sleep(0, "done")), "done")

    def fails(self) -> None:
        self.fail("on purpose")

    def skips(self) -> None:
        self.skipTest("no reason")

    def hangs(self) -> None:
        signal.pause()

    def crashes(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves(self) -> None:
        os._exit(0)


def run(*names: str, limit: float = 30) -> dict[str, Outcome]:
    runner = Runner(asyncio.SelectorEventLoop, jobs=2, limit=limit)
    return dict(runner.run({name: Sample(name) for name in names}))


def test_every_way_to_end_is_told_apart():
    names = ("passes", "fails", "skips", "crashes", "leaves")
    outcomes = run(*names)
    assert [outcomes[name].outcome for name in names] == [
        "passed",
        "failed",
        "skipped",
        "crashed",
        "crashed",
    ]
    assert "on purpose" in outcomes["fails"].detail


def test_a_test_that_hangs_is_ended_and_its_stack_is_kept():
    outcome = run("hangs", limit=0.5)["hangs"]
    assert outcome.outcome == "hung"
    assert "in hangs" in outcome.detail


def test_a_failure_without_an_entry_and_a_pass_with_one_are_unexpected():
    entry = registry.Entry("c", "later", "not there yet")
    outcomes = {
        "a": Outcome("passed"),
        "b": Outcome("failed"),
        "c": Outcome("passed"),
        "d": Outcome("hung"),
        "e": Outcome("skipped"),
        "f": Outcome("failed"),
    }
    entries = {"c": entry, "d": registry.Entry("d", "inapplicable", "a private attribute")}
    assert registry.judge_ours(outcomes, set("abcde"), entries) == {
        "a": "passed",
        "b": "failed",
        "c": "unexpected pass",
        "d": "inapplicable",
        "e": "failed",
        "f": "skipped",
    }


@pytest.mark.parametrize("python", ["3.12", "3.13", "3.14", "3.15"])
def test_every_entry_names_a_test_and_is_there_once(python):
    assert registry.stale(registry.load(python=python), ()) == []


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text('[[expected]]\nkind = "later"\nreason = " "\ntests = ["a"]\n')
    with pytest.raises(ValueError, match="reason"):
        registry.load(path)
