"""Generators as tasks: what they may yield, and what they get back."""

import asyncio
import concurrent.futures
import inspect

import pytest

from mainspring.green import await_, spawn
from tests.green.helpers import never, soon, turns


def result_of(run, generator, *args):
    return run(lambda: spawn(generator, *args).get())


def test_a_bare_yield_lets_the_others_run(run):
    def main():
        order = []

        def work():
            order.append("begins")
            yield
            order.append("goes on")

        thread = spawn(work)
        spawn(order.append, "other")
        thread.join()
        return order

    assert run(main) == ["begins", "other", "goes on"]


def test_what_is_yielded_is_waited_for_and_its_result_sent_in(run):
    def work():
        one = yield soon(1)
        two = yield asyncio.sleep(0, 2)
        return one + two

    assert result_of(run, work) == 3


def test_a_future_that_is_done_is_sent_in_at_once(run):
    def work():
        future = soon(1)
        yield future
        return (yield future)

    assert result_of(run, work) == 1


def test_yield_from_waits_for_a_future(run):
    def work():
        return (yield from soon(5))

    assert result_of(run, work) == 5


def test_a_sub_generator_delegates_to_any_depth(run):
    def leaf(value):
        got = yield soon(value)
        return got

    def branch(value):
        one = yield from leaf(value)
        two = yield leaf(value)
        return one + two

    def root():
        return (yield from branch(1)) + (yield branch(2))

    assert result_of(run, root) == 6


def test_what_fails_is_raised_at_the_yield(run):
    def work():
        with pytest.raises(LookupError, match="nothing here"):
            yield soon(exc=LookupError("nothing here"))
        return "gone on"

    assert result_of(run, work) == "gone on"


def test_what_cannot_be_waited_for_is_an_error_at_the_yield(run):
    def work():
        with pytest.raises(
            TypeError, match="something else that can be awaited was expected, got 7"
        ):
            yield 7
        return "gone on"

    assert result_of(run, work) == "gone on"


def test_it_takes_the_future_of_another_thread(run):
    def work():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return (yield pool.submit(lambda: 8))

    assert result_of(run, work) == 8


def test_a_generator_that_has_begun_is_taken_too(run):
    def work(value):
        return (yield soon(value))

    def main():
        return spawn(work(4)).get(), await_(work(5))

    assert run(main) == (4, 5)


def test_its_exception_is_the_tasks(run):
    def work():
        yield
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        result_of(run, work)


def test_it_is_cancelled_where_it_waits(run):
    def main():
        seen = []

        def work():
            try:
                yield never()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        thread = spawn(work)
        turns()
        thread.cancel()
        thread.join()
        return seen, thread.cancelled()

    assert run(main) == (["cancelled"], True)


def test_a_killed_generator_gets_a_cancellation(run):
    def main():
        def work():
            yield never()

        thread = spawn(work)
        turns()
        thread.kill()
        return thread.cancelled()

    assert run(main)


def test_it_looks_like_a_coroutine(run):
    def main():
        def work():
            yield never()

        thread = spawn(work)
        turns()
        call = thread.get_coro()
        shown = inspect.getcoroutinestate(call), "work" in repr(thread), call.__name__
        thread.cancel()
        thread.join()
        return shown, inspect.getcoroutinestate(call)

    assert run(main) == (("CORO_SUSPENDED", True, "work"), "CORO_CLOSED")
