"""Waiting lends: a task above DEFAULT pulls up the tasks that it waits for, while it does."""

import asyncio
import contextlib
import gc
import sys
import weakref

import pytest

import mainspring
from mainspring import Priority, effective_priority, get_priority, priority, set_priority
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT

C_TASK = asyncio.tasks._CTask
PYTHON_TASK = asyncio.tasks._PyTask


class Play:
    """Tasks on a bench that wait for one another, or for the end of the play."""

    def __init__(self, bench, task_type):
        self.bench = bench
        self.task_type = task_type
        self.end = bench.loop.create_future()
        self.tasks = {}

    def start(self, name, level, waits=None):
        """Starts a task that calls `waits()` and awaits what that returns."""

        async def body():
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await (asyncio.shield(self.end) if waits is None else waits())

        return self.spawn(name, level, body())

    def spawn(self, name, level, coroutine):
        task = self.task_type(coroutine, loop=self.bench.loop)
        if level is not DEFAULT:
            set_priority(task, level)
        self.tasks[name] = task
        self.settle()
        return task

    def settle(self):
        self.bench.steps(10)

    def levels(self, *names):
        return [effective_priority(self.tasks[name]) for name in names]


@pytest.fixture(params=[C_TASK, PYTHON_TASK], ids=["C", "Python"])
def play(request, bench, monkeypatch):
    if request.param is PYTHON_TASK and sys.version_info >= (3, 14):
        # There a C task and a Python task are each the current one for their own kind only.
        monkeypatch.setattr(asyncio.tasks, "current_task", asyncio.tasks._py_current_task)
    made = Play(bench, request.param)
    yield made
    if not made.end.done():
        made.end.set_result(None)
    for task in made.tasks.values():
        task.cancel()
    bench.steps(100)
    assert all(task.done() for task in made.tasks.values())


@pytest.mark.parametrize("target", list(Priority))
@pytest.mark.parametrize("waiter", list(Priority))
def test_a_waiter_lends_its_priority_only_above_default(play, waiter, target):
    task = play.start("target", target)
    play.start("waiter", waiter, lambda: task)
    assert play.levels("target") == [min(waiter, target) if waiter < DEFAULT else target]
    assert get_priority(task) is target


def test_each_time_that_a_task_is_lent_a_more_urgent_priority_is_a_boost(play, bench):
    task = play.start("target", LOW)
    play.start("first", HIGH, lambda: task)
    play.start("another", HIGH, lambda: task)
    assert bench.loop.scheduler_stats().boosts == 1
    play.start("most urgent", URGENT, lambda: task)
    assert bench.loop.scheduler_stats().boosts == 2
    set_priority(task, URGENT)
    assert bench.loop.scheduler_stats().boosts == 2


def test_a_loan_goes_along_a_chain(play):
    a = play.start("a", LOW)
    b = play.start("b", IDLE, lambda: a)
    c = play.start("c", DEFAULT, lambda: b)
    play.start("d", HIGH, lambda: c)
    assert play.levels("a", "b", "c") == [HIGH] * 3


def test_a_chain_that_grows_at_its_end_is_lent_on(play):
    """The target begins to wait when it has been lent a priority already."""
    a = play.start("a", LOW)
    go = asyncio.Event()

    async def later():
        await go.wait()
        await a

    b = play.spawn("b", LOW, later())
    play.start("c", HIGH, lambda: b)
    assert play.levels("a", "b") == [LOW, HIGH]
    go.set()
    play.settle()
    assert play.levels("a", "b") == [HIGH, HIGH]


def test_a_diamond_lends_the_most_urgent_of_its_sides(play):
    bottom = play.start("bottom", IDLE)
    left = play.start("left", LOW, lambda: bottom)
    right = play.start("right", LOW, lambda: bottom)
    top = play.start("top", HIGH, lambda: asyncio.gather(left, right))
    assert play.levels("left", "right", "bottom") == [HIGH] * 3
    set_priority(right, URGENT)
    assert play.levels("left", "right", "bottom") == [HIGH, URGENT, URGENT]
    set_priority(top, DEFAULT)
    assert play.levels("left", "right", "bottom") == [LOW, URGENT, URGENT]
    set_priority(right, LOW)
    assert play.levels("left", "right", "bottom") == [LOW, LOW, IDLE]


def test_gather_shows_its_children_however_deep(play):
    names = "abcd"
    made = [play.start(name, LOW) for name in names]

    def waits():
        inner = asyncio.gather(made[0], made[1])
        return asyncio.gather(inner, made[2], return_exceptions=True)

    play.start("waiter", HIGH, waits)
    assert play.levels(*names) == [HIGH, HIGH, HIGH, LOW]


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda task: asyncio.wait_for(task, 5), id="wait_for"),
        pytest.param(lambda task: nested(task, 4), id="coroutines"),
        pytest.param(lambda task: within_timeout(task), id="timeout"),
    ],
)
def test_what_stands_between_a_waiter_and_its_target_is_seen_through(play, wrap):
    task = play.start("target", LOW)
    play.start("waiter", HIGH, lambda: wrap(task))
    assert play.levels("target") == [HIGH]


async def nested(task, depth):
    await (nested(task, depth - 1) if depth else task)


async def within_timeout(task):
    async with asyncio.timeout(5):
        await task


NOT_ON_3_12 = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="nothing leads from the waiter to the iterator"
)


def in_wait(task):
    return asyncio.wait([task])


def in_as_completed(task):
    return next(iter(asyncio.as_completed([task])))


async def in_async_for(task):
    async for done in asyncio.as_completed([task]):
        await done


async def at_the_end_of_a_group(task):
    async with asyncio.TaskGroup() as group:
        # As if it had started the task.
        task.add_done_callback(group._on_task_done)
        group._tasks.add(task)


SEEN_THROUGH = [
    pytest.param(asyncio.shield, id="shield"),
    pytest.param(in_wait, id="wait"),
    pytest.param(in_as_completed, id="as_completed", marks=NOT_ON_3_12),
    pytest.param(in_async_for, id="async for", marks=NOT_ON_3_12),
    pytest.param(at_the_end_of_a_group, id="TaskGroup"),
]


@pytest.mark.parametrize("wrap", SEEN_THROUGH)
def test_a_wait_for_a_future_of_asyncios_own_is_seen_through(play, wrap):
    task = play.start("target", LOW)
    waiter = play.start("waiter", HIGH, lambda: wrap(task))
    assert play.levels("target") == [HIGH]
    set_priority(waiter, LOW)
    assert play.levels("target") == [LOW]
    set_priority(waiter, URGENT)
    assert play.levels("target") == [URGENT]
    waiter.cancel()
    play.settle()
    assert play.levels("target") == [LOW]


@pytest.mark.parametrize("wrap", SEEN_THROUGH)
@pytest.mark.parametrize(
    "around",
    [
        pytest.param(lambda wait: wait, id="bare"),
        pytest.param(lambda wait: nested(wait, 3), id="coroutines"),
        pytest.param(lambda wait: asyncio.wait_for(wait, 5), id="wait_for"),
        pytest.param(lambda wait: asyncio.gather(wait), id="gather"),
        pytest.param(lambda wait: asyncio.shield(wait), id="shield"),
        pytest.param(lambda wait: asyncio.wait([asyncio.ensure_future(wait)]), id="wait"),
    ],
)
def test_what_is_seen_through_is_seen_through_within_one_another(play, wrap, around):
    # So that what asyncio makes a task of is of that kind, too.
    play.bench.loop.set_task_factory(
        lambda loop, coroutine, **kwargs: play.task_type(coroutine, loop=loop, **kwargs)
    )
    task = play.start("target", LOW)
    play.start("waiter", HIGH, lambda: around(wrap(task)))
    assert play.levels("target") == [HIGH]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there it is seen")
def test_as_completed_of_3_12_lends_nothing(play):
    task = play.start("target", LOW)
    play.start("waiter", HIGH, lambda: in_as_completed(task))
    assert play.levels("target") == [LOW]


def test_a_wait_lends_to_all_whichever_of_them_ends_it(play):
    tasks = [play.start(name, LOW) for name in "ab"]

    def first():
        return asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    play.start("waiter", HIGH, first)
    assert play.levels("a", "b") == [HIGH, HIGH]
    tasks[0].cancel()
    play.settle()
    assert play.levels("b") == [LOW]


def test_a_shield_that_is_not_waited_for_lends_nothing(play):
    task = play.start("target", LOW)

    async def body():
        shielded.append(asyncio.shield(task))
        with contextlib.suppress(asyncio.CancelledError):
            await play.bench.loop.create_future()

    shielded = []
    play.spawn("waiter", HIGH, body())
    assert play.levels("target") == [LOW]


def test_a_group_lends_nothing_to_its_tasks_before_its_end(play):
    go = asyncio.Event()
    child = play.start("child", LOW)

    async def body():
        async with asyncio.TaskGroup() as group:
            child.add_done_callback(group._on_task_done)
            group._tasks.add(child)
            await go.wait()

    play.spawn("waiter", HIGH, body())
    assert play.levels("child") == [LOW]
    go.set()
    play.settle()
    assert play.levels("child") == [HIGH]


def test_a_child_that_another_adds_is_lent_nothing_until_the_waiter_is_woken(play):
    """Documented: who waits for the end of a group isn't stepped then, and so isn't asked."""
    added = []

    async def child(group):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with priority(LOW):
            added.append(group.create_task(child_of(play.end)))
        await play.end

    async def body():
        async with asyncio.TaskGroup() as group:
            with priority(LOW):
                added.append(group.create_task(child(group)))

    play.spawn("waiter", HIGH, body())
    assert [effective_priority(task) for task in added] == [HIGH, LOW]


async def child_of(end):
    await end


@pytest.mark.parametrize("shape", ["future", "shield", "event", "queue"])
def test_a_future_that_does_not_say_what_it_is_for_lends_nothing(play, shape):
    loop = play.bench.loop
    waits = {
        "future": lambda: loop.create_future(),
        "shield": lambda: asyncio.shield(loop.create_future()),
        "event": lambda: asyncio.Event().wait(),
        "queue": lambda: asyncio.Queue().get(),
    }
    waiter = play.start("waiter", HIGH, waits[shape])
    assert waiter._fut_waiter is not None
    assert play.levels("waiter") == [HIGH]
    waiter.cancel()
    play.settle()
    assert waiter.done()


def waiter_is_cancelled(play):
    play.tasks["waiter"].cancel()


def waiter_times_out(play):
    play.bench.clock.advance(10)


def waiter_is_no_longer_high(play):
    set_priority(play.tasks["waiter"], DEFAULT)


@pytest.mark.parametrize("leave", [waiter_is_cancelled, waiter_times_out, waiter_is_no_longer_high])
def test_a_loan_ends_when_its_lender_leaves(play, leave):
    bottom = play.start("bottom", LOW)
    # The one in between goes on when it is cancelled.
    middle = play.spawn("middle", LOW, stubborn(bottom))

    async def wait():
        async with asyncio.timeout(5):
            await middle

    play.start("waiter", HIGH, wait)
    assert play.levels("bottom", "middle") == [HIGH, HIGH]
    leave(play)
    play.settle()
    assert play.levels("bottom", "middle") == [LOW, LOW]


async def stubborn(task):
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(task, return_exceptions=True)


def test_what_one_lender_leaves_another_still_lends(play):
    target = play.start("target", LOW)
    one = play.start("one", URGENT, lambda: target_of(target))
    play.start("two", HIGH, lambda: target_of(target))
    assert play.levels("target") == [URGENT]
    set_priority(one, LOW)
    assert play.levels("target") == [HIGH]


async def target_of(task):
    await task


def test_a_waiter_that_is_raised_while_it_waits_begins_to_lend(play):
    a = play.start("a", LOW)
    b = play.start("b", LOW, lambda: a)
    c = play.start("c", DEFAULT, lambda: b)
    assert play.levels("a", "b", "c") == [LOW, LOW, DEFAULT]
    set_priority(c, URGENT)
    assert play.levels("a", "b", "c") == [URGENT] * 3


def test_a_block_around_an_await_lends_as_well(play):
    target = play.start("target", LOW)

    async def body():
        await asyncio.sleep(0)
        with priority(HIGH), contextlib.suppress(asyncio.CancelledError):
            await target

    play.spawn("waiter", DEFAULT, body())
    assert play.levels("target") == [HIGH]


def test_tasks_that_are_high_by_their_context_lend_as_well(play, bench):
    target = play.start("target", LOW)
    with priority(HIGH):
        waiter = play.start("waiter", DEFAULT, lambda: target)
    assert get_priority(waiter) is HIGH
    assert play.levels("target") == [HIGH]


def test_a_queued_step_moves_when_a_waiter_comes(bench):
    async def note(name):
        bench.note(name)

    async def wait(task):
        await asyncio.gather(task)

    target = bench.loop.create_task(note("target"))
    set_priority(target, IDLE)
    waiter = bench.loop.create_task(wait(target))
    set_priority(waiter, HIGH)
    for turn in range(3):
        bench.loop.call_soon(bench.note, turn)
    # The waiter's step, then the target's: ahead of the DEFAULT work that was there before.
    assert bench.steps(2) == [[], ["target"]]
    # Nor is there DEFAULT work before the waiter learns of it.
    bench.steps(2)
    assert waiter.done()
    assert bench.step() == [0, 1, 2]


def test_many_children_that_are_queued_are_moved_in_their_order(bench):
    async def note(name):
        bench.note(name)

    async def wait():
        await asyncio.gather(*children)

    children = [bench.loop.create_task(note(name), priority=LOW) for name in range(1000)]
    waiter = bench.loop.create_task(wait(), priority=HIGH)
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(2) == [[], list(range(1000))]
    bench.steps(10)
    assert waiter.done()


def test_a_low_task_gets_past_default_work_for_a_high_waiter(bench):
    going = True

    async def low():
        for turn in range(3):
            bench.note(turn)
            await asyncio.sleep(0)

    async def high():
        await task
        bench.note("high")

    def hog():
        if going:
            bench.loop.call_soon(hog)

    task = bench.loop.create_task(low(), priority=LOW)
    bench.loop.call_soon(hog)
    bench.steps(5)
    assert bench.ran == []
    waiter = bench.loop.create_task(high(), priority=HIGH)
    bench.steps(10)
    assert bench.ran == [0, 1, 2, "high"]
    going = False
    bench.steps(2)
    assert waiter.done()


@pytest.mark.parametrize("which", ["waiter", "target"])
def test_eager_tasks_lend_and_are_lent(bench, which):
    async def target():
        await asyncio.sleep(0)
        await end

    async def wait():
        await tasks["target"]

    def start(name, coroutine, level):
        eager = asyncio.eager_task_factory if name == which else None
        bench.loop.set_task_factory(eager)
        tasks[name] = bench.loop.create_task(coroutine, priority=level)

    def start_both():
        start("target", target(), LOW)
        start("waiter", wait(), HIGH)

    tasks = {}
    end = bench.loop.create_future()
    bench.loop.call_soon(start_both)
    bench.steps(5)
    assert effective_priority(tasks["target"]) is HIGH
    end.set_result(None)
    bench.steps(5)
    assert tasks["waiter"].done()


def test_a_ring_of_tasks_is_held_up_by_those_outside_and_not_by_itself(play):
    """A deadlock, until somebody is cancelled."""
    go = asyncio.Event()
    over = play.bench.loop.create_future()

    async def member(other):
        await go.wait()
        with contextlib.suppress(ZeroDivisionError):
            await asyncio.gather(play.tasks[other], outside)

    outside = play.spawn("outside", IDLE, target_of(over))
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        play.spawn(name, LOW, member(other))
    go.set()
    play.settle()

    async def wait():
        await asyncio.wait_for(play.tasks["b"], 5)

    waiter = play.start("waiter", HIGH, wait)
    assert play.levels("a", "b", "c", "outside") == [HIGH] * 4
    set_priority(waiter, LOW)
    assert play.levels("a", "b", "c", "outside") == [LOW, LOW, LOW, IDLE]
    set_priority(waiter, URGENT)
    assert play.levels("a", "b", "c", "outside") == [URGENT] * 4
    set_priority(waiter, LOW)
    assert play.levels("a", "b", "c", "outside") == [LOW, LOW, LOW, IDLE]
    # To cancel a ring of gathers is beyond asyncio.
    over.set_exception(ZeroDivisionError())
    play.settle()


def test_a_chain_of_ten_thousand_tasks_is_lent_along_and_taken_back(bench):
    async def wait(task):
        await task

    end = bench.loop.create_future()
    chain = [bench.loop.create_task(wait(end))]
    for _ in range(10_000):
        chain.append(bench.loop.create_task(wait(chain[-1])))
    bench.step()
    set_priority(chain[-1], HIGH)
    assert effective_priority(chain[0]) is HIGH
    set_priority(chain[-1], DEFAULT)
    assert effective_priority(chain[0]) is DEFAULT
    end.set_result(None)
    bench.steps(20_003)
    assert all(task.done() for task in chain)


def hogged(bench, coroutine_function, level):
    """Returns what ran of a task while DEFAULT work never ended; the task has its own priority."""
    going = True

    def hog():
        if going:
            bench.loop.call_soon(hog)

    bench.loop.call_soon(hog)
    task = bench.loop.create_task(coroutine_function())
    set_priority(task, level)
    for _ in range(20):
        bench.step()
        bench.clock.advance(0.001)
    ran = list(bench.ran)
    going = False
    while not task.done():
        bench.step()
        bench.clock.advance(1)
    return ran


async def child():
    await asyncio.sleep(0)


async def in_a_group():
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            set_priority(group.create_task(child()), HIGH)


async def all_completed():
    for done in asyncio.as_completed([high_child(), high_child()]):
        await done


def high_child():
    task = asyncio.create_task(child())
    set_priority(task, HIGH)
    return task


WAITS = {
    "gather": lambda: asyncio.gather(child(), child()),
    "nested gathers": lambda: asyncio.gather(asyncio.gather(child()), child()),
    "shield": lambda: asyncio.shield(high_child()),
    "wait": lambda: asyncio.wait([high_child(), high_child()]),
    "TaskGroup": in_a_group,
    "as_completed": all_completed,
    "sleep": lambda: asyncio.sleep(0.001),
    "an expired timeout": lambda: expire(),
}


async def expire():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_no_default_work_comes_between_a_high_task_and_the_end_of_its_wait(bench, wait):
    """Its context names nothing, and asyncio's own callbacks in between have that context."""

    async def main():
        await wait()
        bench.note("high")

    assert hogged(bench, main, HIGH) == ["high"]


@pytest.mark.parametrize("wait", ["gather", "nested gathers", "sleep", "an expired timeout"])
def test_a_low_task_that_is_pulled_up_is_told_of_its_ends_in_time(bench, wait):
    async def low():
        await WAITS[wait]()

    async def main():
        with priority(LOW):
            task = asyncio.create_task(low())
        await task
        bench.note("high")

    assert hogged(bench, main, HIGH) == ["high"]


def test_the_sleep_of_a_task_that_was_made_low_ends_at_low(bench):
    async def main():
        await asyncio.sleep(0.001)
        bench.note("low")

    assert hogged(bench, main, LOW) == []


def test_a_loan_keeps_neither_side_alive(bench):
    async def for_ever():
        await bench.loop.create_future()

    async def wait(task):
        await task

    target = bench.loop.create_task(for_ever(), priority=LOW)
    waiter = bench.loop.create_task(wait(target), priority=HIGH)
    bench.steps(5)
    assert effective_priority(target) is HIGH
    known = [weakref.ref(target), weakref.ref(waiter)]
    for task in (target, waiter):
        task._log_destroy_pending = False
    del task, target, waiter
    gc.collect()
    assert [ref() for ref in known] == [None, None]


def test_what_a_task_is_lent_is_not_handed_on_to_what_it_starts(play, bench):
    started = []

    async def body():
        await asyncio.shield(go.wait())
        started.append(asyncio.create_task(asyncio.sleep(0)))
        await play.end

    go = asyncio.Event()
    target = play.spawn("target", LOW, body())
    play.start("waiter", HIGH, lambda: target)
    go.set()
    play.settle()
    assert [get_priority(task) for task in started] == [DEFAULT]


def test_run_with_a_high_main_pulls_up_what_it_waits_for():
    seen = []

    async def background():
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append(effective_priority(asyncio.current_task()))

    async def main():
        with priority(LOW):
            task = asyncio.create_task(background())
        with priority(HIGH):
            await task

    mainspring.run(main)
    assert seen == [HIGH]
