"""Timers: never early, in order of time and arrival, whatever is cancelled in between."""

import contextvars
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.fakes import Bench

NAN, INFINITY = float("nan"), float("inf")

finite = st.floats(min_value=-1e6, max_value=8e9, allow_nan=False, allow_infinity=False)


def callback(*args):
    pass


@settings(deadline=None, max_examples=300)
@given(when=finite)
def test_a_timer_is_due_at_the_first_nanosecond_that_has_reached_its_time(when):
    with Bench() as bench:
        bench.clock.nanoseconds = min(0, math.floor(when) * 10**9)
        bench.loop.call_at(when, bench.note, "timer")
        # The loop's time, as anybody reads it, is a float of seconds: find where it is `when`.
        low, high = bench.clock.nanoseconds - 1, 9 * 10**18
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if middle / 1e9 >= when else (middle, high)
        bench.clock.nanoseconds = high - 1
        assert bench.step() == []
        bench.clock.nanoseconds = high
        assert bench.step() == ["timer"]
        assert bench.loop.time() >= when


@settings(deadline=None, max_examples=200)
@given(began=st.integers(0, 10**17), delay=st.floats(min_value=0, max_value=1e8))
def test_a_delay_has_passed_when_its_timer_runs(began, delay):
    with Bench() as bench:
        bench.clock.nanoseconds = began
        timer = bench.loop.call_later(delay, bench.note, "timer")
        assert timer.when() == bench.loop.time() + delay
        bench.step(may_sleep=True)
        if not bench.ran:
            bench.clock.nanoseconds += bench.poller.timeouts[-1]
            bench.step()
        assert bench.ran == ["timer"]
        assert bench.loop.time() >= timer.when()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(min_value=0, max_value=100), max_size=40))
def test_timers_run_in_order_of_time_and_then_of_arrival(times):
    with Bench() as bench:
        for number, when in enumerate(times):
            bench.loop.call_at(when, bench.note, (when, number))
        assert bench.step() == sorted((when, number) for number, when in enumerate(times))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_what_is_cancelled_never_changes_the_order_of_the_rest(data):
    # Above 64 cancelled timers that are the majority, the heap is rebuilt.
    count = data.draw(st.integers(130, 200), label="timers")
    times = data.draw(st.lists(st.integers(1, 40), min_size=count, max_size=count), label="times")
    order = data.draw(st.permutations(range(count)), label="order of cancelling")
    cancelled = order[data.draw(st.integers(0, 40), label="kept") :]
    with Bench() as bench:
        timers = [
            bench.loop.call_at(2000 + when, bench.note, (when, number))
            for number, when in enumerate(times)
        ]
        for number in cancelled:
            timers[number].cancel()
        bench.clock.nanoseconds = 3000 * 10**9
        left = set(range(count)) - set(cancelled)
        assert bench.step() == sorted((times[number], number) for number in left)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.integers(0, 20)),
            st.tuples(st.just("cancel"), st.integers(0, 60)),
            st.tuples(st.just("pass"), st.integers(0, 5)),
        ),
        max_size=60,
    )
)
def test_setting_cancelling_and_passing_time_in_any_order_loses_no_timer(operations):
    handles, pending, expected = [], {}, []
    with Bench() as bench:

        def let_pass(seconds):
            bench.clock.advance(seconds)
            due = sorted((w, n) for n, w in pending.items() if w <= bench.loop.time())
            for _, number in due:
                expected.append(number)
                del pending[number]
            bench.step()

        for operation, value in operations:
            if operation == "set":
                pending[len(handles)] = bench.loop.time() + value
                handles.append(bench.loop.call_later(value, bench.note, len(handles)))
            elif operation == "cancel" and value < len(handles):
                handles[value].cancel()
                pending.pop(value, None)
            elif operation == "pass":
                let_pass(value)
        let_pass(100)
        assert bench.ran == expected


@pytest.mark.parametrize("call", ["call_at", "call_later"])
def test_a_time_that_is_not_a_number_is_refused(bench, call):
    with pytest.raises(ValueError, match="NaN"):
        getattr(bench.loop, call)(NAN, bench.note, "never")
    bench.clock.advance(1e6)
    assert bench.step() == []


@pytest.mark.parametrize("call", ["call_at", "call_later"])
@pytest.mark.parametrize("wrong", [None, "soon", object()])
def test_a_time_of_another_type_is_refused(bench, call, wrong):
    with pytest.raises(TypeError):
        getattr(bench.loop, call)(wrong, bench.note, "never")
    assert bench.steps(2) == [[], []]


@pytest.mark.parametrize("call", ["call_at", "call_later"])
def test_a_timer_at_infinity_never_runs(bench, call):
    timer = getattr(bench.loop, call)(INFINITY, bench.note, "never")
    bench.clock.nanoseconds = 9 * 10**18
    assert bench.step() == []
    assert timer.when() == INFINITY


def test_a_timer_at_infinity_does_not_hide_the_ones_before_it(bench):
    bench.loop.call_later(INFINITY, bench.note, "never")
    bench.loop.call_later(1e300, bench.note, "never either")
    bench.loop.call_later(5, bench.note, "timer")
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == 5 * 10**9
    bench.clock.advance(5)
    assert bench.step() == ["timer"]


@pytest.mark.parametrize("delay", [0, 0.0, -0.0, -1, -1e-9, -1e300, -INFINITY])
def test_a_delay_of_nothing_or_less_is_due_at_once(bench, delay):
    bench.loop.call_later(delay, bench.note, "timer")
    assert bench.step() == ["timer"]


def test_a_time_in_the_past_is_due_at_once(bench):
    bench.loop.call_at(bench.loop.time() - 500, bench.note, "timer")
    assert bench.step() == ["timer"]


def test_overdue_timers_run_in_order_of_their_times(bench):
    bench.loop.call_at(990, bench.note, "second")
    bench.loop.call_at(-5, bench.note, "first")
    bench.loop.call_at(1000, bench.note, "third")
    assert bench.step() == ["first", "second", "third"]


def test_a_timer_does_not_run_in_the_batch_that_set_it(bench):
    bench.loop.call_soon(bench.loop.call_later, 0, bench.note, "timer")
    assert bench.steps(2) == [[], ["timer"]]


def test_a_cancelled_timer_does_not_run(bench):
    timer = bench.loop.call_later(1, bench.note, "never")
    timer.cancel()
    timer.cancel()
    bench.clock.advance(2)
    assert bench.step() == []
    assert timer.cancelled()


def test_a_timer_that_is_due_and_queued_can_still_be_cancelled(bench):
    bench.loop.call_later(1, lambda: second.cancel())
    second = bench.loop.call_later(1, bench.note, "never")
    bench.clock.advance(1)
    assert bench.steps(2) == [[], []]


def test_a_timer_may_cancel_itself(bench):
    def cancel():
        timer.cancel()
        bench.note("ran")

    timer = bench.loop.call_later(0, cancel)
    assert bench.steps(2) == [["ran"], []]


def test_a_timer_can_be_cancelled_after_it_ran(bench):
    timer = bench.loop.call_later(0, bench.note, "ran")
    other = bench.loop.call_later(1, bench.note, "other")
    bench.step()
    timer.cancel()
    bench.clock.advance(1)
    assert bench.step() == ["other"]
    assert not other.cancelled()


def test_cancelling_every_timer_from_a_timer_loses_none_that_is_set_after(bench):
    def cancel_all():
        for timer in timers:
            timer.cancel()
        bench.loop.call_later(1, bench.note, "after")

    timers = [bench.loop.call_later(2, bench.note, "never") for _ in range(500)]
    bench.loop.call_later(1, cancel_all)
    bench.clock.advance(1)
    bench.step()
    bench.clock.advance(5)
    assert bench.step() == ["after"]


def cancel_with_something_in_its_context(bench, when, call):
    """Leaves a cancelled timer in the heap; `call` is called when the loop lets go of it."""

    class Freed:
        def __del__(self):
            call()

    context = contextvars.Context()
    context.run(contextvars.ContextVar("freed").set, Freed())
    bench.loop.call_at(when, callback, context=context).cancel()


def test_what_is_freed_with_a_cancelled_timer_may_cancel_the_next_one(bench):
    timer = bench.loop.call_at(2, bench.note, "timer")
    cancel_with_something_in_its_context(bench, 1, timer.cancel)
    bench.clock.nanoseconds = 3 * 10**9
    assert bench.step() == []
    bench.loop.call_at(3, bench.note, "later")
    assert bench.step() == ["later"]


def test_what_is_freed_with_a_cancelled_timer_may_set_one_before_the_next(bench):
    bench.loop.call_at(2, bench.note, "timer")
    cancel_with_something_in_its_context(
        bench, 1, lambda: bench.loop.call_at(0, bench.note, "set by it")
    )
    bench.clock.nanoseconds = 3 * 10**9
    assert bench.step() == ["set by it", "timer"]
    assert bench.step() == []


def test_time_is_the_clocks_in_seconds(bench):
    bench.clock.nanoseconds = 1_234_567_891
    assert bench.loop.time() == 1.234567891
