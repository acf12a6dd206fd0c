"""What follows from the figures of an echo beside other work, from figures that are given."""

import pytest

from benchmarks.busy import NOTHING, Case, key, select_cases
from benchmarks.busy_figures import Figures
from benchmarks.figures import Series, per_round

CASES = [NOTHING, Case("one", ("thread",)), Case("two", ("thread", "thread"))]


def figures(*, requests, cpu, client=(0.0,), alone=(20_000.0,), beside=(10_000.0,)):
    """Returns the figures of a loop with one connection, each a value for each round."""
    quiet, busy = key(NOTHING.name, "loop", 1), key("one", "loop", 1)
    values = {
        "requests_per_s": {busy: list(requests)},
        "cpu_us": {quiet: list(cpu)},
        "client_us": {quiet: list(client)},
        "alone_per_s": {busy: list(alone)},
        "beside_per_s": {busy: list(beside)},
    }
    return Figures({"values": values})


def test_the_echos_share_is_its_requests_times_what_one_costs_with_nothing_beside_it():
    found = figures(requests=[10_000.0], cpu=[20.0])
    assert found.share("one", "loop", 1, client=False) == [pytest.approx(0.2)]


def test_a_client_on_the_same_core_takes_its_share_too():
    found = figures(requests=[10_000.0], cpu=[20.0], client=[5.0])
    assert found.share("one", "loop", 1, client=True) == [pytest.approx(0.25)]


def test_the_work_is_held_against_what_the_echo_leaves():
    found = figures(requests=[10_000.0], cpu=[20.0], alone=[20_000.0], beside=[12_000.0])
    assert found.used("one", "loop", 1, client=False) == [pytest.approx(12_000 / (20_000 * 0.8))]


def test_where_the_echo_leaves_nothing_the_work_is_held_against_nothing():
    found = figures(requests=[98_000.0], cpu=[10.0])
    assert found.used("one", "loop", 1, client=False) == [None]


def test_a_round_in_which_a_server_failed_has_no_figure_and_the_others_have_theirs():
    found = figures(requests=[None, 0.0], cpu=[20.0, 20.0], alone=[1.0, 1.0], beside=[1.0, 1.0])
    assert found.used("one", "loop", 1, client=False) == [None, pytest.approx(1.0)]


def test_a_loop_that_was_not_measured_has_no_figures():
    assert figures(requests=[1.0], cpu=[1.0]).used("one", "other", 1, client=False) == []


def test_differences_and_ratios_are_formed_within_a_round():
    series = Series({"a": [3.0, None, 8.0], "b": [1.0, 2.0, 4.0]})
    assert series.differences("a", "b") == [2.0, None, 4.0]
    assert series.ratios("a", "b") == [3.0, None, 2.0]
    assert per_round(lambda a, b: a + b, series.row("a"), series.row("none")) == []


def test_the_case_with_nothing_beside_it_is_always_measured():
    assert [case.name for case in select_cases("two", CASES)] == ["nothing", "two"]
    assert select_cases("", CASES) == CASES


def test_a_case_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(SystemExit, match="'three' is no case: choose from nothing, one, two"):
        select_cases("one,three", CASES)
