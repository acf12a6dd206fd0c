"""`TimerHandle`: asyncio's `TimerHandle` in all that a program can see of it."""

import asyncio
import operator

import pytest


def callback(*args):
    pass


class Stock:
    """The loop that asyncio's own timers see, for comparison."""

    def get_debug(self):
        return False

    def _timer_handle_cancelled(self, handle):
        pass


def stock_timer(when, call=callback, args=()):
    return asyncio.TimerHandle(when, call, args, Stock())


@pytest.mark.parametrize("call", ["call_at", "call_later"])
def test_a_timer_is_an_asyncio_timer_handle_and_a_handle(bench, call):
    timer = getattr(bench.loop, call)(5, callback)
    assert isinstance(timer, asyncio.TimerHandle)
    assert isinstance(timer, asyncio.Handle)


def test_when_returns_the_time_that_was_asked_for(bench):
    assert bench.loop.call_at(1234.5, callback).when() == 1234.5
    assert bench.loop.call_later(2.5, callback).when() == bench.loop.time() + 2.5


def test_when_is_still_known_after_the_timer_was_cancelled(bench):
    timer = bench.loop.call_at(1234.5, callback)
    timer.cancel()
    assert timer.when() == 1234.5


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize("times", [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)])
def test_timers_compare_as_asyncios_do(bench, compare, times):
    ours = [bench.loop.call_at(when, callback) for when in times]
    assert compare(*ours) == compare(*map(stock_timer, times))


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize("times", [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)])
def test_a_timer_compares_with_one_of_asyncios(bench, compare, times):
    ours, theirs = bench.loop.call_at(times[0], callback), stock_timer(times[1])
    assert compare(ours, theirs) == compare(*map(stock_timer, times))


def test_timers_of_one_time_callback_and_arguments_are_equal(bench):
    at = bench.loop.call_at
    assert at(5.0, callback, 1) == at(5.0, callback, 1)
    assert at(5.0, callback, 1) != at(6.0, callback, 1)
    assert at(5.0, callback, 1) != at(5.0, callback, 2)
    assert at(5.0, callback, 1) != at(5.0, print, 1)


def test_a_cancelled_timer_differs_from_one_that_is_not(bench):
    one, other = bench.loop.call_at(5.0, callback), bench.loop.call_at(5.0, callback)
    one.cancel()
    assert one != other


@pytest.mark.parametrize("other", [5.0, None, "timer"])
def test_a_timer_equals_nothing_that_is_not_a_timer(bench, other):
    assert bench.loop.call_at(5.0, callback) != other


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_a_timer_has_no_order_with_what_is_not_a_timer(bench, compare):
    with pytest.raises(TypeError):
        compare(bench.loop.call_at(5.0, callback), 5.0)
    with pytest.raises(TypeError):
        compare(bench.loop.call_at(5.0, callback), bench.loop.call_soon(callback))


def test_equal_timers_have_one_hash(bench):
    one, other = bench.loop.call_at(5.0, callback), bench.loop.call_at(5.0, callback)
    assert hash(one) == hash(other) == hash(5.0)


def test_the_repr_of_a_timer_tells_its_time_and_its_callback(bench):
    timer = bench.loop.call_at(1234.5, callback)
    assert repr(timer).startswith("<TimerHandle when=1234.5 callback() at ")
    timer.cancel()
    assert repr(timer) == "<TimerHandle cancelled when=1234.5>"
