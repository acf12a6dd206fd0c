"""`mainspring.run`: what it takes, what it refuses, and what it leaves behind."""

import asyncio
import functools

import pytest

import mainspring


async def answer(value=42):
    await asyncio.sleep(0)
    return value


async def running_loop():
    return asyncio.get_running_loop()


def test_a_coroutine_is_run_and_its_result_returned():
    assert mainspring.run(answer(1)) == 1


def test_a_coroutine_function_is_called_without_arguments():
    assert mainspring.run(answer) == 42


def test_arguments_can_be_bound_to_a_coroutine_function_beforehand():
    assert mainspring.run(functools.partial(answer, 2)) == 2


def test_it_runs_on_a_new_loop_that_is_closed_afterwards():
    first = mainspring.run(running_loop)
    second = mainspring.run(running_loop())
    assert isinstance(first, mainspring.Loop)
    assert first is not second
    assert first.is_closed()
    assert second.is_closed()


@pytest.mark.parametrize("debug", [True, False])
def test_debug_mode_is_set_as_asked_for(debug):
    assert mainspring.run(running_loop, debug=debug).get_debug() is debug


def test_what_the_coroutine_raises_is_raised():
    async def fail():
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        mainspring.run(fail)


def test_a_task_that_is_left_over_is_cancelled():
    seen = []

    async def stay():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        task = asyncio.create_task(stay())
        await asyncio.sleep(0)
        return task

    assert mainspring.run(main).cancelled()
    assert seen == ["cancelled"]


def test_a_plain_function_runs_as_a_green_thread():
    assert mainspring.run(lambda: mainspring.await_(answer(3))) == 3


@pytest.mark.parametrize("main", [None, 7, "main"])
def test_what_is_no_coroutine_and_no_function_is_refused_by_name(main):
    with pytest.raises(TypeError, match=rf"a function or a coroutine was expected, got {main!r}"):
        mainspring.run(main)


def test_while_a_loop_runs_it_refuses_and_does_not_call_the_function():
    called = []

    async def main():
        called.append("outer")
        with pytest.raises(RuntimeError, match="while a loop runs"):
            mainspring.run(main)

    mainspring.run(main)
    assert called == ["outer"]
