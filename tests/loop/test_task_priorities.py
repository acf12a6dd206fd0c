"""The priority of a task: what a step is, and `set_priority` in every state of a task."""

import asyncio
import gc
import threading
import weakref

import pytest

from mainspring import Priority, effective_priority, get_priority, priority, set_priority
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT

C_TASK = asyncio.tasks._CTask
PYTHON_TASK = asyncio.tasks._PyTask


@pytest.fixture(params=[C_TASK, PYTHON_TASK], ids=["C", "Python"])
def spawn(request, bench):
    """Makes tasks of either kind, each of which notes its name and turn in every step."""
    made = []

    def start(name, turns=3, **kwargs):
        async def steps():
            for turn in range(turns):
                bench.note((name, turn))
                await asyncio.sleep(0)

        task = request.param(steps(), loop=bench.loop, **kwargs)
        made.append(task)
        return task

    yield start
    for _ in range(200):
        bench.step()
    assert all(task.done() for task in made)


def test_every_step_of_a_task_has_the_priority_that_was_set(bench, spawn):
    low = spawn("low")
    spawn("default")
    set_priority(low, LOW)
    assert bench.steps(7) == [
        [("default", 0)],
        [("default", 1)],
        [("default", 2)],
        [],  # The end of the task is a step too.
        [("low", 0)],
        [("low", 1)],
        [("low", 2)],
    ]


@pytest.mark.parametrize("level", list(Priority))
def test_the_wake_up_of_a_task_has_the_priority_that_was_set(bench, level):
    done = bench.loop.create_future()

    async def wait():
        await done
        bench.note("woken")

    task = bench.loop.create_task(wait())
    bench.step()
    set_priority(task, level)
    done.set_result(None)
    for mark in Priority:
        bench.loop.call_soon(bench.note, mark, priority=mark)
    bench.steps(6)
    # It was queued before the mark of its level.
    assert bench.ran.index("woken") == list(Priority).index(level)
    assert task.done()


def test_a_queued_step_moves_to_the_end_of_its_new_level(bench, spawn):
    bench.loop.call_soon(bench.note, "high", priority=HIGH)
    task = spawn("task", 1)
    set_priority(task, HIGH)
    bench.loop.call_soon(bench.note, "later", priority=HIGH)
    assert bench.step() == ["high", ("task", 0), "later"]


def test_a_priority_that_is_set_again_leaves_a_queued_step_where_it_is(bench, spawn):
    task = spawn("task", 1)
    bench.loop.call_soon(bench.note, "after")
    set_priority(task, DEFAULT)
    assert bench.step() == [("task", 0), "after"]


def test_a_step_that_is_flipped_up_and_down_is_neither_lost_nor_run_twice(bench, spawn):
    task = spawn("task", 2)
    bench.loop.call_soon(bench.note, "default")
    for level in (URGENT, LOW, IDLE, HIGH, DEFAULT, URGENT, DEFAULT):
        set_priority(task, level)
    assert bench.steps(3) == [["default", ("task", 0)], [("task", 1)], []]


def test_a_running_task_changes_its_next_step(bench):
    async def main():
        bench.note("first")
        set_priority(asyncio.current_task(), LOW)
        bench.loop.call_soon(bench.note, "default")
        await asyncio.sleep(0)
        bench.note("second")

    task = bench.loop.create_task(main())
    assert bench.steps(3) == [["first"], ["default"], ["second"]]
    assert task.done()


def test_a_task_that_is_done_takes_a_priority_without_effect(bench):
    async def nothing():
        pass

    task = bench.loop.create_task(nothing())
    bench.steps(2)
    assert task.done()
    set_priority(task, LOW)
    assert (get_priority(task), effective_priority(task)) == (DEFAULT, DEFAULT)


def test_a_task_whose_wake_up_another_thread_sent_moves_as_well(bench):
    sent = []

    class FromAnotherThread(asyncio.Future):
        """Hands its callbacks to the loop as code that isn't the loop's does."""

        def add_done_callback(self, callback, *, context=None):
            sent.append((callback, context))

    future = FromAnotherThread(loop=bench.loop)

    async def wait():
        await future
        bench.note("woken")

    def from_a_thread():
        callback, context = sent.pop()
        future.set_result(None)
        bench.loop.call_soon_threadsafe(callback, future, context=context)

    def hand_over():
        thread = threading.Thread(target=from_a_thread)
        thread.start()
        thread.join()
        # It is in the inbox now, at DEFAULT.
        bench.loop.call_soon(bench.note, "default")
        set_priority(task, LOW)

    task = bench.loop.create_task(wait())
    bench.step()
    bench.loop.call_soon(hand_over)
    assert bench.steps(3) == [[], ["default"], ["woken"]]
    assert task.done()


def test_a_callback_that_is_bound_to_a_task_is_no_step_of_it(bench, spawn):
    task = spawn("task")
    set_priority(task, LOW)
    bench.loop.call_soon(task.cancel)
    bench.loop.call_soon(task.get_name)
    bench.step()
    assert task.cancelling() == 1


def test_set_priority_leaves_the_context_of_a_task_alone(bench):
    async def parent():
        bench.loop.call_soon(bench.note, "child")

    task = bench.loop.create_task(parent())
    set_priority(task, LOW)
    bench.step()
    bench.loop.call_soon(bench.note, "later")
    assert bench.step() == ["child", "later"]
    assert task.done()


def test_the_priority_of_a_task_is_what_its_context_names_until_one_is_set(bench, spawn):
    with priority(LOW):
        task = spawn("low", 1)
    assert (get_priority(task), effective_priority(task)) == (LOW, LOW)
    set_priority(task, HIGH)
    assert (get_priority(task), effective_priority(task)) == (HIGH, HIGH)


def test_a_block_inside_a_task_reaches_its_own_wake_up(bench):
    async def main():
        with priority(LOW):
            await asyncio.sleep(0)
            bench.note("low")
        await asyncio.sleep(0)
        bench.note("again")

    task = bench.loop.create_task(main())
    bench.step()
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(3) == [["default"], ["low"], ["again"]]
    assert task.done()


def test_set_priority_goes_before_a_block_inside_the_task(bench):
    async def main():
        with priority(LOW):
            await asyncio.sleep(0)
            bench.note("task")

    task = bench.loop.create_task(main())
    set_priority(task, HIGH)
    bench.step()
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(2) == [["task"], ["default"]]
    assert task.done()


def test_the_first_step_of_an_eager_task_runs_inside_its_maker(bench):
    bench.loop.set_task_factory(asyncio.eager_task_factory)

    async def eager():
        bench.note("eager")
        await asyncio.sleep(0)
        bench.note("later")

    def make():
        bench.note("maker")
        made.append(bench.loop.create_task(eager(), priority=LOW))
        bench.note("made")

    made = []
    bench.loop.call_soon(make)
    bench.step()
    bench.loop.call_soon(bench.note, "default")
    assert bench.ran == ["maker", "eager", "made"]
    assert bench.steps(2) == [["default"], ["later"]]
    assert made[0].done()


def test_a_thousand_tasks_that_were_queued_before_any_had_a_priority_all_move(bench):
    async def note(name):
        bench.note(name)

    made = [bench.loop.create_task(note(name)) for name in range(1000)]
    for task in made[::-1]:
        set_priority(task, LOW)
    bench.loop.call_soon(bench.note, "default")
    assert bench.step() == ["default"]
    assert bench.step() == list(range(1000))[::-1]
    assert all(task.done() for task in made)


def test_what_has_a_priority_is_not_kept_alive_by_it(bench):
    async def for_ever():
        await bench.loop.create_future()

    tasks = [bench.loop.create_task(for_ever()) for _ in range(3)]
    for task, level in zip(tasks, (LOW, HIGH, DEFAULT), strict=True):
        task._log_destroy_pending = False
        set_priority(task, level)
    bench.steps(3)
    known = [weakref.ref(task) for task in tasks]
    del task, tasks
    gc.collect()
    assert [ref() for ref in known] == [None] * 3


def test_a_loop_is_closed_though_tasks_end_with_their_queued_steps(bench):
    async def wait():
        await bench.loop.create_future()

    for _ in range(3):
        task = bench.loop.create_task(wait())
        set_priority(task, HIGH)
        bench.step()
        task.cancel()
        task._log_destroy_pending = False
    del task
    # Their steps are all that keeps them.
    bench.loop.close()


def test_a_task_of_a_loop_that_was_closed_is_not_kept_alive_by_its_queued_step(bench):
    async def never():
        pass

    coroutine = never()
    task = bench.loop.create_task(coroutine)
    task._log_destroy_pending = False
    set_priority(task, HIGH)
    known = weakref.ref(task)
    bench.loop.close()
    del task
    gc.collect()
    assert known() is None
    coroutine.close()


@pytest.mark.parametrize("call", [get_priority, effective_priority])
def test_a_task_of_asyncios_loop_has_no_priority(call):
    async def main():
        with pytest.raises(RuntimeError, match="is not Mainspring's"):
            call(asyncio.current_task())
        with pytest.raises(RuntimeError, match="is not Mainspring's"):
            set_priority(asyncio.current_task(), LOW)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("wrong", [None, "task", len])
def test_what_is_no_task_has_no_priority(wrong):
    with pytest.raises(TypeError, match=r"asyncio\.Task was expected"):
        set_priority(wrong, LOW)


def test_a_future_has_no_priority(bench):
    with pytest.raises(TypeError, match=r"asyncio\.Task was expected"):
        get_priority(bench.loop.create_future())


def test_set_priority_refuses_a_priority_that_does_not_exist(bench, spawn):
    task = spawn("task", 1)
    with pytest.raises(ValueError, match="9"):
        set_priority(task, 9)
    assert get_priority(task) is DEFAULT


def test_another_thread_is_told_how_to_set_a_priority(bench):
    refused = []

    async def main():
        task = asyncio.current_task()

        def from_a_thread():
            try:
                set_priority(task, LOW)
            except RuntimeError as exc:
                refused.append(str(exc))
            seen.append(effective_priority(task))
            bench.loop.call_soon_threadsafe(set_priority, task, LOW)

        seen = []
        thread = threading.Thread(target=from_a_thread)
        thread.start()
        thread.join()
        for _ in range(2):
            await asyncio.sleep(0)
        return seen, get_priority(task)

    assert bench.loop.run_until_complete(main()) == ([DEFAULT], LOW)
    assert "call_soon_threadsafe(mainspring.set_priority, task, priority)" in refused[0]


def test_what_low_code_starts_is_low_unless_somebody_says_otherwise(bench):
    """A pool that LOW code was the first to use: its helpers are LOW, unless somebody says."""
    helpers = {}

    async def helper():
        await asyncio.sleep(0)

    async def low():
        helpers["inherited"] = asyncio.create_task(helper())
        with priority(DEFAULT):
            helpers["said"] = asyncio.create_task(helper())

    bench.loop.create_task(low(), priority=LOW)
    bench.steps(1)
    assert {name: get_priority(task) for name, task in helpers.items()} == {
        "inherited": LOW,
        "said": DEFAULT,
    }
    bench.steps(5)


def test_an_exception_that_ends_the_loop_leaves_priorities_in_order(bench):
    async def interrupt():
        raise KeyboardInterrupt

    async def other():
        bench.note("other")

    task, later = bench.loop.create_task(interrupt()), bench.loop.create_task(other())
    set_priority(task, HIGH)
    set_priority(later, LOW)
    with pytest.raises(KeyboardInterrupt):
        bench.step()
    assert isinstance(task.exception(), KeyboardInterrupt)
    assert bench.step() == ["other"]
    known = weakref.ref(task)
    del task
    gc.collect()
    assert known() is None
