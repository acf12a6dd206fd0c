"""`Timeout`: when it raises, whom it reaches, and what it leaves behind."""

import asyncio

import pytest

from mainspring.green import (
    BlockingSwitchOutError,
    Timeout,
    await_,
    green,
    sleep,
    spawn,
    with_timeout,
)
from tests.green.helpers import never, soon, turns


def test_it_raises_itself_where_the_thread_waits(run):
    def main():
        with pytest.raises(Timeout) as caught, Timeout(0.001) as timeout:
            await_(never())
        return caught.value is timeout, asyncio.current_task().cancelling()

    assert run(main) == (True, 0)


def test_it_is_no_exception_that_code_in_between_catches_by_accident():
    assert not issubclass(Timeout, Exception)


def test_what_ends_in_time_is_left_alone(run):
    def main():
        with Timeout(60) as timeout:
            pending = timeout.pending
            result = await_(soon(3))
        return pending, result, timeout.pending

    assert run(main) == (True, 3, False)


def test_with_false_the_block_just_ends(run):
    def main():
        with Timeout(0, False):
            await_(never())
        return "gone on"

    assert run(main) == "gone on"


@pytest.mark.parametrize("exception", [LookupError, LookupError("late")])
def test_it_raises_what_is_asked_for(run, exception):
    def main():
        with pytest.raises(LookupError), Timeout(0, exception):
            await_(never())

    run(main)


def test_none_never_raises(run):
    def main():
        with Timeout(None) as timeout:
            turns()
            return timeout.pending

    assert run(main) is False


@pytest.mark.parametrize("seconds", [0, -1])
def test_zero_and_less_raise_at_the_next_wait(run, seconds):
    def main():
        with pytest.raises(Timeout), Timeout(seconds):
            await_(never())

    run(main)


def test_a_timeout_that_fires_while_its_thread_is_ready_is_raised_once(run):
    def main():
        future = never()
        loop = asyncio.get_running_loop()
        seen = []
        try:
            with Timeout(60) as timeout:
                loop.call_soon(future.set_result, None)
                loop.call_soon(timeout._fire, asyncio.current_task())
                await_(future)
        except Timeout as exc:
            seen.append(exc is timeout)
        turns()
        return seen

    assert run(main) == [True]


def test_two_that_fire_in_one_turn_raise_the_outer_one_if_it_began_first(run):
    def main():
        with pytest.raises(Timeout) as caught, Timeout(0) as outer, Timeout(0):
            await_(never())
        turns()
        return caught.value is outer

    assert run(main)


def test_an_inner_one_that_fires_is_not_the_outer_one(run):
    def main():
        with Timeout(60) as outer:
            with pytest.raises(Timeout) as caught, Timeout(0) as inner:
                await_(never())
            return caught.value is inner, outer.pending

    assert run(main) == (True, True)


def test_one_that_has_fired_but_not_been_raised_is_taken_back_when_the_block_ends(run):
    def main():
        with Timeout(60) as timeout:
            timeout._fire(asyncio.current_task())
        turns()
        return "gone on"

    assert run(main) == "gone on"


def test_asyncios_timeout_around_it_counts_right(run):
    def inner():
        with pytest.raises(Timeout), Timeout(0):
            await_(never())
        await_(never())

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await green(inner)
        return asyncio.current_task().cancelling()

    assert run(main) == 0


def test_a_thread_that_is_joined_under_a_timeout_lives(run):
    def main():
        target = spawn(lambda: await_(never()))
        with pytest.raises(Timeout), Timeout(0):
            target.join()
        return target.done()

    assert run(main) is False


def test_it_reaches_the_function_that_set_it_and_not_the_one_that_called_that(run):
    def inner():
        with Timeout(0, False):
            await_(never())
        return "inner went on"

    async def middle():
        return await green(inner)

    assert run(lambda: await_(middle())) == "inner went on"


def test_it_cannot_be_started_twice(run):
    def main():
        timeout = Timeout.start_new(60)
        with pytest.raises(RuntimeError, match="already started"):
            timeout.start()
        timeout.cancel()
        return Timeout.start_new(timeout) is timeout, timeout.cancel()

    assert run(main) == (True, None)


def test_in_a_coroutine_it_says_what_to_use(run):
    async def main():
        with pytest.raises(BlockingSwitchOutError, match=r"asyncio\.timeout"):
            Timeout(1).start()

    run(main)


def test_with_timeout_returns_the_result_or_what_stands_for_it(run):
    def main():
        with pytest.raises(Timeout):
            with_timeout(0, sleep, 60)
        return (
            with_timeout(60, lambda a, b: a + b, 1, b=2),
            with_timeout(0, sleep, 60, timeout_value="late"),
        )

    assert run(main) == (3, "late")


def test_with_timeout_passes_on_the_timeout_of_somebody_else(run):
    def fail():
        raise Timeout(5)

    def main():
        with pytest.raises(Timeout, match="5 seconds"):
            with_timeout(60, fail, timeout_value="late")

    run(main)


@pytest.mark.parametrize(("seconds", "text"), [(1, "1 second"), (2.5, "2.5 seconds"), (None, "")])
def test_it_says_how_long(seconds, text):
    assert str(Timeout(seconds)) == text
