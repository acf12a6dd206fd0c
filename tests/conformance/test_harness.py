"""The harness itself: each way a test can end is told apart, and the registry can't go stale."""

import asyncio
import os
import signal
import unittest

import pytest

from . import left_out, registry, table
from .runner import Outcome, Runner


class Sample(unittest.TestCase):
    """Tests that end in each possible way."""

    __test__ = False

    def passes(self) -> None:
        self.assertEqual(asyncio.run(asyncio.sleep(0, "done")), "done")

    def asks_for_a_loop(self) -> None:
        asyncio.SelectorEventLoop().close()

    def passes_by(self) -> None:
        pass

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


def test_a_test_with_a_limit_of_its_own_is_waited_for_no_longer():
    runner = Runner(asyncio.SelectorEventLoop, jobs=2, limit=300, limits={"hangs": 0.5})
    outcomes = dict(runner.run({name: Sample(name) for name in ("hangs", "passes")}))
    assert {name: outcome.outcome for name, outcome in outcomes.items()} == {
        "hangs": "hung",
        "passes": "passed",
    }


def test_a_failure_without_an_entry_and_a_pass_with_one_are_unexpected():
    entry = registry.Entry("c", "later", "not there yet")
    outcomes = {
        "a": Outcome("passed"),
        "b": Outcome("failed"),
        "c": Outcome("passed"),
        "d": Outcome("hung"),
        "e": Outcome("skipped"),
        "f": Outcome("failed"),
        "g": Outcome("passed"),
    }
    entries = {
        "c": entry,
        "d": registry.Entry("d", "inapplicable", "a private attribute"),
        "g": registry.Entry("g", "inapplicable", "a race", sometimes=True),
    }
    assert registry.judge_ours(outcomes, set("abcdeg"), entries) == {
        "a": "passed",
        "b": "failed",
        "c": "unexpected pass",
        "d": "inapplicable",
        "e": "failed",
        "f": "skipped",
        "g": "inapplicable",
    }


@pytest.mark.parametrize("python", ["3.12", "3.13", "3.14", "3.15"])
def test_every_entry_names_a_test_and_is_there_once(python):
    assert registry.stale(registry.load(python=python)) == []


@pytest.mark.parametrize("python", ["3.12", "3.13", "3.14", "3.15"])
def test_every_entry_of_the_patched_tests_names_a_test_and_is_there_once(python):
    here = registry.HERE / "patched"
    entries = registry.load(here / "expected.toml", python)
    assert registry.stale(entries, here / "baseline") == []


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text('[[expected]]\nkind = "later"\nreason = " "\ntests = ["a"]\n')
    with pytest.raises(ValueError, match="reason"):
        registry.load(path)


class Sorted(Sample):
    """Stands for a class of CPython's, of which one test looks inside."""

    __test__ = False
    loop: asyncio.SelectorEventLoop

    def asks(self) -> None:
        self.loop.call_soon(print)

    def peeks(self) -> None:
        self.assertFalse(self.loop._ready)  # type: ignore[attr-defined]


def test_a_test_that_names_the_inside_of_asyncios_loop_is_told_from_one_that_does_not():
    assert not left_out.names_internals(Sorted, "asks")
    assert left_out.names_internals(Sorted, "peeks")


def test_every_class_that_is_left_out_or_mixed_exists_on_some_python():
    known = {identity.rpartition(".")[0] for identity in registry.ever_known()}
    assert {name for name in left_out.MIXED if name not in known} == set()


def test_a_test_that_never_asked_for_a_loop_counts_only_where_a_baseline_has_it():
    outcomes = {"a": Outcome("passed", asked=False), "b": Outcome("passed")}
    assert registry.judge(outcomes, set()) == {"a": "skipped", "b": "passed"}
    assert registry.judge(outcomes, {"a"}) == {"a": "passed", "b": "skipped"}


def test_a_run_notes_whether_a_test_asked_for_a_loop():
    outcomes = run("asks_for_a_loop", "passes_by")
    assert {name: outcome.asked for name, outcome in outcomes.items()} == {
        "asks_for_a_loop": True,
        "passes_by": False,
    }


def result(loop: str, python: str, **verdicts: str) -> dict[str, object]:
    tests = {name: {"verdict": verdict} for name, verdict in verdicts.items()}
    return {"loop": loop, "python": python, "tests": tests}


def test_the_table_has_a_row_for_each_python_and_a_column_for_each_loop():
    made = table.table(
        [
            result("uvloop:new_event_loop", "3.14", a="failed", b="passed"),
            result("mainspring:new_event_loop", "3.14", a="passed", b="inapplicable"),
            result("mainspring:new_event_loop", "3.9", a="passed"),
        ]
    )
    assert made.splitlines() == [
        "| CPython | tests | Mainspring | uvloop |",
        "| --- | ---: | ---: | ---: |",
        "| 3.9 | 1 | 1 |  |",
        "| 3.14 | 2 | 1 (+1 inapplicable) | 1 |",
    ]


def test_results_of_different_tests_are_not_put_side_by_side():
    one, other = result("a:b", "3.14", a="passed"), result("c:d", "3.14", a="passed", b="passed")
    with pytest.raises(ValueError, match="not of the same tests"):
        table.table([one, other])


def test_the_table_replaces_what_stands_between_its_marks():
    text = f"before {table.BEGIN} old {table.END} after"
    assert table.replace(text, "new") == f"before {table.BEGIN}\nnew\n{table.END} after"
    with pytest.raises(ValueError, match="marks"):
        table.replace("no marks", "new")
