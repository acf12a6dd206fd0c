"""Whose priority: what is said, else what the context names, else DEFAULT."""

import asyncio
import contextvars
import threading

import pytest

from mainspring import Priority, priority
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT


def levels_of(bench, names):
    """Returns which level each noted name ran at, by what ran before and after it."""
    marks = list(Priority)
    for level in marks:
        bench.loop.call_soon(bench.note, level, priority=level)
    while not set(names) | set(marks) <= set(bench.ran):
        bench.step()
    found = {}
    for name in names:
        after = bench.ran[bench.ran.index(name) :]
        found[name] = next((item for item in after if item in marks), None)
    return found


def test_the_values_are_those_of_the_documentation():
    assert [(p.name, p.value) for p in Priority] == [
        ("URGENT", -2),
        ("HIGH", -1),
        ("DEFAULT", 0),
        ("LOW", 1),
        ("IDLE", 2),
    ]


def test_what_names_no_priority_is_default(bench):
    bench.loop.call_soon(bench.note, "x")
    assert levels_of(bench, ["x"]) == {"x": DEFAULT}


@pytest.mark.parametrize("level", list(Priority))
def test_call_soon_takes_the_priority_of_its_context(bench, level):
    with priority(level):
        bench.loop.call_soon(bench.note, "x")
    assert levels_of(bench, ["x"]) == {"x": level}


@pytest.mark.parametrize("level", list(Priority))
def test_a_timer_takes_the_priority_of_its_context(bench, level):
    with priority(level):
        bench.loop.call_later(0, bench.note, "x")
    # The marks are queued before the timer is collected, so it runs as the last of its level.
    marks = list(Priority)
    for mark in marks:
        bench.loop.call_soon(bench.note, mark, priority=mark)
    bench.steps(6)
    assert bench.ran.index("x") == marks.index(level) + 1


@pytest.mark.parametrize("level", list(Priority))
def test_a_watcher_takes_the_priority_of_its_context(bench, level):
    with priority(level):
        bench.loop.add_reader(700, bench.note, "x")
    bench.poller.ready(700)
    marks = list(Priority)
    for mark in marks:
        bench.loop.call_soon(bench.note, mark, priority=mark)
    bench.steps(6)
    assert bench.ran.index("x") == marks.index(level) + 1


@pytest.mark.parametrize("level", list(Priority))
def test_call_soon_threadsafe_takes_the_priority_of_its_context(bench, level):
    def send():
        with priority(level):
            bench.loop.call_soon_threadsafe(bench.note, "x")

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    assert levels_of(bench, ["x"]) == {"x": level}


def test_what_is_said_goes_before_what_the_context_names(bench):
    with priority(LOW):
        bench.loop.call_soon(bench.note, "x", priority=HIGH)
    assert levels_of(bench, ["x"]) == {"x": HIGH}


def test_a_context_that_is_given_speaks_and_not_the_current_one(bench):
    with priority(LOW):
        given = contextvars.copy_context()
    with priority(URGENT):
        bench.loop.call_soon(bench.note, "x", context=given)
    assert levels_of(bench, ["x"]) == {"x": LOW}


def test_the_innermost_block_speaks(bench):
    with priority(LOW):
        with priority(HIGH):
            bench.loop.call_soon(bench.note, "inner")
        bench.loop.call_soon(bench.note, "outer")
    bench.loop.call_soon(bench.note, "after")
    found = levels_of(bench, ["inner", "outer", "after"])
    assert found == {"inner": HIGH, "outer": LOW, "after": DEFAULT}


def test_a_block_that_an_exception_leaves_no_longer_speaks(bench):
    with pytest.raises(ZeroDivisionError), priority(LOW):
        1 / 0  # noqa: B018
    bench.loop.call_soon(bench.note, "x")
    assert levels_of(bench, ["x"]) == {"x": DEFAULT}


def test_the_block_gives_the_priority_that_it_sets():
    with priority(1) as named:
        assert named is Priority.LOW


def test_a_callback_hands_the_priority_of_its_context_on(bench):
    with priority(LOW):
        bench.loop.call_soon(bench.loop.call_soon, bench.note, "x")
    bench.step()
    assert levels_of(bench, ["x"]) == {"x": LOW}


def test_a_priority_that_is_said_is_not_handed_on(bench):
    bench.loop.call_soon(bench.loop.call_soon, bench.note, "x", priority=LOW)
    bench.step()
    assert levels_of(bench, ["x"]) == {"x": DEFAULT}


def test_every_step_of_a_task_runs_at_the_priority_of_its_context(bench):
    async def steps():
        for name in range(3):
            bench.note(name)
            await asyncio.sleep(0)

    with priority(LOW):
        task = bench.loop.create_task(steps())
    for _ in range(3):
        bench.loop.call_soon(bench.note, "default")
        assert bench.step() == ["default"]
        assert bench.step() == [bench.ran.count("default") - 1]
    bench.step()
    assert task.done()


def test_the_wake_up_of_a_task_runs_at_the_priority_of_its_context(bench):
    done = bench.loop.create_future()

    async def wait():
        await done
        bench.note("woken")

    with priority(LOW):
        task = bench.loop.create_task(wait())
    bench.step()
    done.set_result(None)
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(2) == [["default"], ["woken"]]
    assert task.done()


@pytest.mark.parametrize("level", list(Priority))
def test_create_task_sets_the_priority_of_a_task_and_of_what_it_starts(bench, level):
    async def child():
        bench.note("child")

    async def parent():
        started.append(bench.loop.create_task(child()))
        bench.loop.call_soon(bench.note, "callback")

    started = [bench.loop.create_task(parent(), priority=level)]
    bench.step()
    found = levels_of(bench, ["child", "callback"])
    assert found == {"child": level, "callback": level}
    assert all(task.done() for task in started)


def test_create_task_with_a_priority_leaves_the_callers_context_alone(bench):
    async def nothing():
        pass

    bench.loop.create_task(nothing(), priority=LOW)
    bench.loop.call_soon(bench.note, "x")
    assert levels_of(bench, ["x"]) == {"x": DEFAULT}


def test_create_task_sets_the_priority_in_the_context_that_it_is_given(bench):
    async def nothing():
        pass

    given = contextvars.copy_context()
    bench.loop.create_task(nothing(), context=given, priority=LOW)
    bench.loop.call_soon(bench.note, "x", context=given)
    assert levels_of(bench, ["x"]) == {"x": LOW}


def test_a_block_inside_a_task_reaches_the_tasks_that_asyncio_starts(bench):
    async def child():
        bench.note("child")

    async def parent():
        with priority(LOW):
            tasks.append(asyncio.create_task(child()))
        bench.loop.call_soon(bench.note, "default")

    tasks = []
    tasks.append(bench.loop.create_task(parent()))
    assert bench.steps(3) == [[], ["default"], ["child"]]
    assert all(task.done() for task in tasks)


def test_the_end_of_run_until_complete_for_an_idle_task_is_not_idle_itself(bench):
    async def main():
        bench.note("main")

    main_task = bench.loop.create_task(main(), priority=IDLE)
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    bench.loop.run_until_complete(main_task)
    assert bench.ran == ["main"]


def test_the_end_of_run_until_complete_does_not_wait_for_low_work(bench):
    done = bench.loop.create_future()
    bench.loop.call_soon(done.set_result, "result")
    with priority(LOW):
        for name in range(3):
            bench.loop.call_soon(bench.note, name)
        assert bench.loop.run_until_complete(done) == "result"
    assert bench.ran == []


@pytest.mark.parametrize("wrong", [-3, 3, 7, "high", 2**70, float("nan"), object()])
def test_a_priority_that_does_not_exist_is_refused_and_named(bench, wrong):
    with pytest.raises(ValueError, match=r"URGENT \(-2\) to IDLE \(2\)") as refused:
        bench.loop.call_soon(bench.note, "x", priority=wrong)
    assert repr(wrong) in str(refused.value)
    assert bench.step() == []


@pytest.mark.parametrize("wrong", [-3, 3, "high", None])
def test_a_block_refuses_a_priority_that_does_not_exist(wrong):
    with pytest.raises(ValueError, match="priority must be"):
        priority(wrong)


@pytest.mark.parametrize("call", ["call_later", "call_at"])
def test_a_timer_refuses_a_priority_that_does_not_exist(bench, call):
    with pytest.raises(ValueError, match="priority must be"):
        getattr(bench.loop, call)(0, bench.note, "x", priority=9)
    assert bench.steps(2) == [[], []]


@pytest.mark.parametrize("call", ["add_reader", "add_writer"])
def test_a_watcher_refuses_a_priority_that_does_not_exist(bench, call):
    with pytest.raises(ValueError, match="priority must be"):
        getattr(bench.loop, call)(700, bench.note, "x", priority=9)
    assert 700 not in bench.poller.registered


def test_create_task_refuses_a_priority_that_does_not_exist(bench):
    async def nothing():
        pass

    coroutine = nothing()
    with pytest.raises(ValueError, match="9"):
        bench.loop.create_task(coroutine, priority=9)
    coroutine.close()


def test_an_int_with_the_value_of_a_priority_will_do(bench):
    bench.loop.call_soon(bench.note, "x", priority=-2)
    assert levels_of(bench, ["x"]) == {"x": URGENT}
