"""Slices: `checkpoint`, `should_yield` and `time_remaining`, in tasks and in callbacks."""

import asyncio

import pytest

import mainspring
from mainspring import checkpoint, set_priority, should_yield, time_remaining
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT
from tests.threads import from_a_thread

SLICES = [(URGENT, 0.005), (HIGH, 0.005), (DEFAULT, 0.005), (LOW, 0.0002), (IDLE, 0.05)]


def ask(bench, **kwargs):
    """Runs a callback that notes what is left of its slice; returns that."""
    seen = []

    def callback():
        seen.append((time_remaining(), should_yield()))

    bench.loop.call_soon(callback, **kwargs)
    bench.step()
    return seen[0]


@pytest.mark.parametrize(("level", "slice_"), SLICES)
def test_a_slice_is_as_long_as_its_level_says(bench, level, slice_):
    assert ask(bench, priority=level) == (pytest.approx(slice_), False)


@pytest.mark.parametrize(("level", "slice_"), SLICES)
def test_a_slice_gets_shorter_as_time_passes_and_ends(bench, level, slice_):
    def callback():
        bench.clock.advance(slice_ / 2)
        bench.note((pytest.approx(time_remaining()), should_yield()))
        bench.clock.advance(slice_)
        bench.note((time_remaining(), should_yield()))

    bench.loop.call_soon(callback, priority=level)
    assert bench.step() == [(slice_ / 2, False), (0.0, True)]


def test_the_callbacks_of_a_batch_share_one_slice(bench):
    bench.loop.call_soon(bench.clock.advance, 0.002)
    assert ask(bench) == (pytest.approx(0.003), False)


@pytest.mark.parametrize("level", [HIGH, DEFAULT, LOW, IDLE])
def test_a_slice_is_over_when_something_more_urgent_is_queued(bench, level):
    def callback():
        bench.loop.call_soon(bench.note, "equal", priority=level)
        bench.note(should_yield())
        bench.loop.call_soon(bench.note, "urgent", priority=URGENT)
        bench.note((time_remaining(), should_yield()))

    bench.loop.call_soon(callback, priority=level)
    assert bench.steps(3) == [[False, (0.0, True)], ["urgent"], ["equal"]]


def test_a_slice_is_over_when_another_thread_sends_something_more_urgent(bench):
    def callback():
        from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent")
        bench.note(should_yield())

    bench.loop.call_soon(callback, priority=LOW)
    assert bench.steps(2) == [[True], ["sent"]]


def test_the_next_timer_ends_an_idle_slice(bench):
    bench.loop.call_later(0.01, bench.note, "timer")
    assert ask(bench, priority=IDLE) == (pytest.approx(0.01), False)


def test_the_next_timer_does_not_shorten_a_slice_that_is_not_idle(bench):
    bench.loop.call_later(0.001, bench.note, "timer")
    assert ask(bench) == (pytest.approx(0.005), False)


def test_an_idle_slice_looks_at_the_sockets_by_itself(bench):
    bench.loop.add_reader(700, bench.note, "io")

    def callback():
        bench.clock.advance(0.001)
        bench.note(should_yield())
        bench.poller.ready(700)
        bench.note(should_yield())
        bench.clock.advance(0.001)
        bench.note(should_yield())

    bench.loop.call_idle(callback)
    assert bench.steps(2) == [[False, False, True], ["io"]]
    # One before the callback, one each millisecond in it, one before what it found.
    assert len(bench.poller.waits) == 4


def test_a_task_whose_priority_falls_while_it_runs_gives_way_to_more(bench):
    async def main():
        bench.loop.call_soon(bench.note, "default")
        bench.note(should_yield())
        set_priority(asyncio.current_task(), LOW)
        bench.note(should_yield())

    task = bench.loop.create_task(main())
    assert bench.steps(2) == [[False, True], ["default"]]
    assert task.done()


def checkpoints(bench, name, turns, took=0.0, **kwargs):
    """Starts a task that notes each turn, and has a checkpoint after it."""

    async def work():
        for turn in range(turns):
            bench.note((name, turn), took)
            await checkpoint()

    return bench.loop.create_task(work(), **kwargs)


def test_a_checkpoint_goes_on_at_once_when_nothing_is_due(bench):
    task = checkpoints(bench, "task", 3)
    bench.loop.call_soon(bench.note, "equal")
    assert bench.step() == [("task", 0), ("task", 1), ("task", 2), "equal"]
    assert task.done()


def test_a_checkpoint_lets_more_urgent_work_through(bench):
    async def work():
        bench.loop.call_soon(bench.note, "high", priority=HIGH)
        bench.loop.call_soon(bench.note, "equal")
        await checkpoint()
        bench.note("task")

    task = bench.loop.create_task(work())
    assert bench.steps(3) == [[], ["high"], ["task", "equal"]]
    assert task.done()


@pytest.mark.parametrize(("level", "slice_"), SLICES)
def test_a_checkpoint_yields_when_the_slice_is_over(bench, level, slice_):
    task = checkpoints(bench, "task", 3, slice_ * 0.6, priority=level)
    assert bench.steps(2) == [[("task", 0), ("task", 1)], [("task", 2)]]
    bench.step()
    assert task.done()


def test_who_yields_goes_on_before_what_came_to_its_level_meanwhile(bench):
    async def work():
        for name in range(3):
            bench.loop.call_soon(bench.note, name, priority=LOW)
        bench.clock.advance(0.001)
        await checkpoint()
        bench.note("task")

    task = bench.loop.create_task(work(), priority=LOW)
    assert bench.steps(2) == [[], ["task", 0, 1, 2]]
    assert task.done()


def test_who_yields_goes_on_after_what_stood_there_before(bench):
    tasks = [checkpoints(bench, name, 2, 0.001, priority=LOW) for name in "ab"]
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert [ran for step in bench.steps(6) for ran in step] == [
        ("a", 0),
        ("b", 0),
        "low",
        ("a", 1),
        ("b", 1),
    ]
    assert all(task.done() for task in tasks)


def test_a_checkpoint_in_a_stopping_loop_does_not_hold_it_up(bench):
    bench.loop.call_soon(bench.loop.stop)
    task = checkpoints(bench, "task", 3, 1)
    bench.loop.run_forever()
    assert bench.ran == [("task", 0)]
    bench.loop.run_until_complete(task)


def test_checkpoints_of_tasks_that_name_no_priority_share_the_loop(bench):
    tasks = [checkpoints(bench, name, 2, 0.006) for name in "ab"]
    assert [ran for step in bench.steps(5) for ran in step] == [
        ("a", 0),
        ("b", 0),
        ("a", 1),
        ("b", 1),
    ]
    assert all(task.done() for task in tasks)


@pytest.mark.parametrize("call", [should_yield, time_remaining])
def test_outside_of_a_loop_a_slice_is_an_error(call):
    with pytest.raises(RuntimeError, match=r"no loop runs in this thread; use mainspring\.run"):
        call()


def test_on_asyncios_loop_a_slice_is_an_error():
    async def main():
        with pytest.raises(RuntimeError, match="is not Mainspring's"):
            should_yield()
        with pytest.raises(RuntimeError, match="is not Mainspring's"):
            await checkpoint()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(main())


def test_in_a_thread_of_the_executor_a_slice_is_an_error():
    async def main():
        with pytest.raises(RuntimeError, match="no loop runs in this thread"):
            await asyncio.to_thread(should_yield)

    mainspring.run(main)
