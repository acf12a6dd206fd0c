"""IDLE and LOW: what runs when nothing else can, and the bounds of how long that may take."""

import asyncio

import pytest

from mainspring import priority
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT


def keep_busy(bench, took, level=DEFAULT):
    """Keeps a level busy for ever, `took` seconds of the fake clock an iteration."""

    def busy():
        bench.clock.advance(took)
        bench.loop.call_soon(busy, priority=level)

    bench.loop.call_soon(busy, priority=level)


def test_an_iteration_runs_exactly_one_idle_callback(bench):
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    assert bench.steps(4) == [[0], [1], [2], []]


def test_the_loop_polls_before_each_idle_callback(bench):
    bench.loop.add_reader(700, bench.note, "io")
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    polls = []
    for _ in range(3):
        bench.step()
        polls.append(len(bench.poller.waits))
    assert polls == [1, 2, 3]


def test_io_that_becomes_ready_goes_before_the_next_idle_callback(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_idle(bench.note, 0)
    bench.loop.call_idle(bench.note, 1)
    assert bench.step() == [0]
    bench.poller.ready(700)
    assert bench.steps(2) == [["io"], [1]]


def test_io_that_becomes_ready_goes_before_the_rest_of_a_low_batch(bench):
    bench.loop.add_reader(700, bench.note, "io")
    for name in range(2):
        bench.loop.call_soon(bench.note, name, 0.001, priority=LOW)
    assert bench.step() == [0]
    bench.poller.ready(700)
    assert bench.steps(2) == [["io"], [1]]


def test_call_soon_at_idle_is_an_idle_call(bench):
    bench.loop.call_soon(bench.note, "b", priority=IDLE)
    bench.loop.call_idle(bench.note, "c")
    bench.loop.call_soon(bench.note, "a", priority=LOW)
    assert bench.steps(3) == [["a"], ["b"], ["c"]]


def test_call_idle_is_idle_whatever_the_context_names(bench):
    with priority(URGENT):
        bench.loop.call_idle(bench.note, "idle")
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert bench.steps(2) == [["low"], ["idle"]]


def test_an_idle_call_without_a_timeout_waits_for_ever(bench):
    keep_busy(bench, 3600)
    bench.loop.call_idle(bench.note, "idle")
    assert bench.steps(50) == [[]] * 50


def test_an_idle_call_runs_at_default_once_its_timeout_has_passed(bench):
    keep_busy(bench, 0.003)
    bench.loop.call_idle(bench.note, "idle", timeout=0.004)
    assert bench.steps(3) == [[], [], ["idle"]]


def test_an_idle_call_whose_timeout_has_passed_waits_for_what_is_more_urgent(bench):
    keep_busy(bench, 0.003, HIGH)
    bench.loop.call_idle(bench.note, "idle", timeout=0.004)
    assert bench.steps(20) == [[]] * 20


def test_an_idle_call_with_a_timeout_runs_before_it_when_the_loop_is_idle(bench):
    bench.loop.call_idle(bench.note, "idle", timeout=10)
    assert bench.step() == ["idle"]


def test_an_idle_call_with_a_timeout_runs_once(bench):
    bench.loop.call_idle(bench.note, "idle", timeout=1)
    assert bench.step() == ["idle"]
    bench.clock.advance(2)
    assert bench.steps(2) == [[], []]


def test_an_idle_call_that_ran_leaves_no_timer_to_wake_up_for(bench):
    bench.loop.call_idle(bench.note, "idle", timeout=1)
    bench.step()
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == -1


@pytest.mark.parametrize("timeout", [None, 1])
def test_a_cancelled_idle_call_never_runs(bench, timeout):
    bench.loop.call_idle(bench.note, "idle", timeout=timeout).cancel()
    bench.clock.advance(2)
    assert bench.steps(2) == [[], []]


def test_an_idle_call_can_be_cancelled_after_its_timeout_moved_it(bench):
    handle = bench.loop.call_idle(bench.note, "idle", timeout=1)
    bench.clock.advance(1)
    bench.loop.call_soon(bench.note, "high", priority=HIGH)
    assert bench.step() == ["high"]
    handle.cancel()
    assert bench.steps(2) == [[], []]


@pytest.mark.parametrize("timeout", [0, -5, float("-inf")])
def test_an_idle_call_with_no_time_left_is_at_default_at_once(bench, timeout):
    bench.loop.call_idle(bench.note, "idle", timeout=timeout)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert bench.steps(2) == [["idle"], ["low"]]


def test_an_idle_call_refuses_a_timeout_that_is_not_a_number(bench):
    with pytest.raises(ValueError, match="NaN"):
        bench.loop.call_idle(bench.note, "idle", timeout=float("nan"))
    assert bench.step() == []


def test_call_idle_returns_an_asyncio_handle(bench):
    assert isinstance(bench.loop.call_idle(bench.note, "idle"), asyncio.Handle)


def test_the_oldest_low_callback_runs_alone_once_it_has_waited_a_second(bench):
    keep_busy(bench, 0.4)
    for name in ("a", "b"):
        bench.loop.call_soon(bench.note, name, priority=LOW)
    assert bench.steps(4) == [[], [], [], ["a"]]


def test_the_clock_of_low_starts_anew_with_each_that_was_let_through(bench):
    keep_busy(bench, 0.4)
    for name in ("a", "b"):
        bench.loop.call_soon(bench.note, name, priority=LOW)
    assert bench.steps(9) == [[]] * 3 + [["a"]] + [[]] * 3 + [["b"]] + [[]]


def test_a_low_callback_that_has_waited_exactly_a_second_waits_on(bench):
    keep_busy(bench, 0.0)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    bench.clock.advance(1)
    assert bench.step() == []
    bench.clock.advance(1e-9)
    assert bench.step() == ["low"]


def test_low_is_let_through_also_when_urgent_work_never_ends(bench):
    keep_busy(bench, 0.6, URGENT)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert bench.steps(3) == [[], [], ["low"]]


def test_each_low_callback_waits_from_its_own_arrival(bench):
    keep_busy(bench, 0.4)
    cancelled = bench.loop.call_soon(bench.note, "never", priority=LOW)
    bench.steps(2)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    cancelled.cancel()
    assert bench.steps(4) == [[], [], [], ["low"]]


def test_how_long_low_may_be_locked_out_can_be_set(bench):
    bench.loop.low_max_wait = 0.5
    keep_busy(bench, 0.4)
    for name in ("a", "b"):
        bench.loop.call_soon(bench.note, name, priority=LOW)
    assert bench.steps(6) == [[], [], ["a"], [], [], ["b"]]
    assert bench.loop.low_max_wait == 0.5


def test_low_may_be_locked_out_for_a_second_unless_something_else_was_said(bench):
    assert bench.loop.low_max_wait == 1


def test_low_may_be_locked_out_for_ever_where_it_is_said(bench):
    bench.loop.low_max_wait = None
    keep_busy(bench, 3600)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert bench.steps(20) == [[]] * 20
    assert bench.loop.low_max_wait is None


def test_a_new_bound_holds_for_what_waits_already(bench):
    bench.loop.low_max_wait = None
    keep_busy(bench, 0.4)
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert bench.steps(5) == [[]] * 5
    bench.loop.low_max_wait = 0.1
    assert bench.step() == ["low"]


def test_a_bound_of_nothing_lets_one_low_callback_through_as_soon_as_time_passes(bench):
    bench.loop.low_max_wait = 0
    keep_busy(bench, 0.4)
    for name in ("a", "b"):
        bench.loop.call_soon(bench.note, name, priority=LOW)
    assert bench.steps(4) == [[], ["a"], [], ["b"]]


def test_infinity_is_no_bound(bench):
    bench.loop.low_max_wait = float("inf")
    assert bench.loop.low_max_wait is None


@pytest.mark.parametrize("name", ["low_max_wait", "lock_out_duration"])
@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_a_bound_that_is_no_span_of_time_is_refused_and_named(bench, name, wrong):
    with pytest.raises(ValueError, match=f"{name} .*{wrong}"):
        setattr(bench.loop, name, wrong)


@pytest.mark.parametrize("name", ["low_max_wait", "lock_out_duration"])
def test_a_bound_that_is_no_number_is_refused_and_named(bench, name):
    with pytest.raises(TypeError, match=f"{name} .*'soon'"):
        setattr(bench.loop, name, "soon")


def test_an_idle_call_with_a_timeout_runs_once_however_busy_the_loop_is(bench):
    keep_busy(bench, 0.003)
    bench.loop.call_idle(bench.note, "idle", timeout=0.004)
    bench.steps(2000)
    assert bench.ran == ["idle"]
    assert bench.loop.scheduler_stats().idle_timeouts == 1


@pytest.mark.parametrize("moved", [False, True])
def test_a_cancelled_idle_call_leaves_neither_queue_nor_timers_behind(bench, moved):
    handle = bench.loop.call_idle(bench.note, "idle", timeout=1)
    if moved:
        bench.clock.advance(1)
        bench.loop.call_soon(bench.note, "high", priority=HIGH)
        bench.step()
    handle.cancel()
    stats = bench.loop.scheduler_stats()
    assert [level.queued for level in stats.levels] == [0] * 5
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == -1


def test_idle_calls_take_turns_and_one_that_posts_itself_goes_behind(bench):
    def again():
        bench.note("again")
        bench.loop.call_idle(again)

    bench.loop.call_idle(again)
    for name in "ab":
        bench.loop.call_idle(bench.note, name)
    assert bench.steps(5) == [["again"], ["a"], ["b"], ["again"], ["again"]]


def test_an_idle_call_that_posts_itself_for_ever_delays_no_timer_and_no_io(bench):
    def again():
        bench.loop.call_idle(again)

    bench.loop.call_idle(again)
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_later(1, bench.note, "timer")
    bench.steps(5)
    bench.poller.ready(700)
    bench.clock.advance(1)
    assert bench.step() == ["io", "timer"]


def test_no_bound_lets_idle_through_in_place_of_low(bench):
    keep_busy(bench, 0.4)
    bench.loop.call_idle(bench.note, "idle")
    assert bench.steps(10) == [[]] * 10
