"""What our `Lock` has beyond asyncio's: its waiters have an order, and its owner is lent theirs."""

import asyncio
import gc
import weakref

import pytest

from mainspring import Priority, effective_priority, priority, set_priority, sync
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT
from tests.loop.helpers import run_program


class Play:
    """Tasks with locks on a bench: each holds what it has until its name is called."""

    def __init__(self, bench):
        self.bench = bench
        self.may_go = {}
        self.tasks = {}

    def start(self, name, level, *locks):
        """Starts a task that takes some locks, waits to be let go, and releases them."""
        go = self.may_go[name] = asyncio.Event()

        async def hold():
            for lock in locks:
                await lock.acquire()
            self.bench.note(name)
            await go.wait()
            for lock in reversed(locks):
                lock.release()

        self.tasks[name] = self.bench.loop.create_task(hold(), priority=level)
        self.settle()
        return self.tasks[name]

    def let_go(self, name):
        self.may_go[name].set()
        self.settle()

    def settle(self):
        self.bench.steps(10)

    def level(self, name):
        return effective_priority(self.tasks[name])


@pytest.fixture
def play(bench):
    made = Play(bench)
    yield made
    for go in made.may_go.values():
        go.set()
    bench.steps(50)
    assert all(task.done() for task in made.tasks.values())


@pytest.mark.parametrize("owner", list(Priority))
@pytest.mark.parametrize("waiter", list(Priority))
def test_an_owner_is_lent_what_a_waiter_has(play, owner, waiter):
    lock = sync.Lock()
    play.start("owner", owner, lock)
    play.start("waiter", waiter, lock)
    assert play.level("owner") is min(owner, waiter)
    play.let_go("owner")
    assert play.level("owner") is owner
    assert play.level("waiter") is waiter


def test_the_most_urgent_waiter_is_the_one_that_counts(play):
    lock = sync.Lock()
    play.start("owner", IDLE, lock)
    for name, level in (("low", LOW), ("high", HIGH), ("default", DEFAULT)):
        play.start(name, level, lock)
    assert play.level("owner") is HIGH


def test_a_lock_goes_to_the_most_urgent_and_then_in_order_of_arrival(play):
    lock = sync.Lock()
    play.start("owner", DEFAULT, lock)
    levels = {"a": LOW, "b": DEFAULT, "c": URGENT, "d": LOW, "e": DEFAULT, "f": URGENT}
    for name, level in levels.items():
        play.start(name, level, lock)
    for name in ("owner", "c", "f", "b", "e", "a", "d"):
        play.let_go(name)
    assert play.bench.ran == ["owner", "c", "f", "b", "e", "a", "d"]


def test_a_waiter_whose_priority_is_set_while_it_waits_changes_its_place_and_its_loan(play):
    lock = sync.Lock()
    play.start("owner", LOW, lock)
    play.start("first", LOW, lock)
    second = play.start("second", LOW, lock)
    set_priority(second, HIGH)
    assert play.level("owner") is HIGH
    play.let_go("owner")
    assert play.bench.ran == ["owner", "second"]


def test_the_next_owner_is_lent_what_those_have_that_still_wait(play):
    lock = sync.Lock()
    play.start("owner", DEFAULT, lock)
    play.start("low", LOW, lock)
    play.may_go["owner"].set()
    play.settle()
    assert play.bench.ran == ["owner", "low"]
    play.start("high", HIGH, lock)
    assert play.level("low") is HIGH
    play.let_go("low")
    assert (play.level("low"), play.bench.ran[-1]) == (LOW, "high")


def test_an_owner_that_was_woken_and_has_yet_to_run_is_lent_as_well(play):
    lock = sync.Lock()
    bench = play.bench
    play.start("owner", DEFAULT, lock)
    play.start("low", LOW, lock)
    lock.release()
    with priority(HIGH):
        high = bench.loop.create_task(lock.acquire())
    for name in range(3):
        bench.loop.call_soon(bench.note, name)
    # It waits; the one that was woken overtakes the DEFAULT work.
    bench.steps(3)
    assert bench.ran == ["owner", "low", 0, 1, 2]
    lock.release()
    bench.step()
    assert high.done()
    play.tasks["owner"].cancel()
    play.tasks["low"].cancel()
    play.settle()


def test_a_low_owner_gets_past_default_work_for_a_high_waiter(bench):
    """The classic inversion: HIGH waits for LOW, and a hog in between never ends."""
    lock = sync.Lock()
    going = True

    async def low():
        async with lock:
            bench.note("low has it")
            await asyncio.sleep(0)
            bench.note("low is done")

    async def high():
        async with lock:
            bench.note("high has it")

    def hog():
        if going:
            bench.loop.call_soon(hog)

    tasks = [bench.loop.create_task(low(), priority=LOW)]
    bench.step()
    bench.loop.call_soon(hog)
    bench.steps(5)
    assert bench.ran == ["low has it"]
    tasks.append(bench.loop.create_task(high(), priority=HIGH))
    bench.steps(10)
    assert bench.ran == ["low has it", "low is done", "high has it"]
    going = False
    bench.steps(3)
    assert all(task.done() for task in tasks)


def test_nested_locks_lend_along_the_chain(play):
    one, two, three = sync.Lock(), sync.Lock(), sync.Lock()
    play.start("a", IDLE, one)
    play.start("b", LOW, two, one)
    play.start("c", DEFAULT, three, two)
    assert [play.level(name) for name in "abc"] == [DEFAULT, DEFAULT, DEFAULT]
    play.start("d", URGENT, three)
    assert [play.level(name) for name in "abc"] == [URGENT] * 3
    play.let_go("a")
    assert [play.level(name) for name in "abc"] == [IDLE, URGENT, URGENT]


def test_an_owner_of_two_locks_keeps_what_the_other_lends(play):
    one, two = sync.Lock(), sync.Lock()
    owner = play.start("owner", IDLE, one, two)
    play.start("low", LOW, one)
    play.start("high", HIGH, two)
    assert play.level("owner") is HIGH
    two.release()
    assert play.level("owner") is LOW
    owner.cancel()
    play.settle()
    one.release()


@pytest.mark.parametrize("ends", ["cancelled", "timed out"])
def test_a_loan_ends_when_the_waiter_leaves(play, ends):
    lock = sync.Lock()
    play.start("owner", LOW, lock)

    async def wait():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await lock.acquire()

    waiter = play.bench.loop.create_task(wait(), priority=HIGH)
    play.settle()
    assert play.level("owner") is HIGH
    if ends == "cancelled":
        waiter.cancel()
    else:
        play.bench.clock.advance(2)
    play.settle()
    assert waiter.done()
    assert play.level("owner") is LOW


def test_two_tasks_that_wait_for_each_other_are_no_more_urgent_than_who_waits_for_them(play):
    one, two = sync.Lock(), sync.Lock()
    bench = play.bench
    go = asyncio.Event()

    async def hold(first, second):
        async with first:
            await go.wait()
            async with second:
                pass

    tasks = [
        bench.loop.create_task(hold(one, two), priority=LOW),
        bench.loop.create_task(hold(two, one), priority=IDLE),
    ]
    play.settle()
    go.set()
    play.settle()
    assert [effective_priority(task) for task in tasks] == [LOW, LOW]
    third = bench.loop.create_task(one.acquire(), priority=URGENT)
    play.settle()
    assert [effective_priority(task) for task in tasks] == [URGENT, URGENT]
    third.cancel()
    play.settle()
    # Not held up by each other.
    assert [effective_priority(task) for task in tasks] == [LOW, LOW]
    tasks[0].cancel()
    play.settle()
    assert all(task.done() for task in tasks)


def test_an_owner_that_ended_with_the_lock_is_kept_alive_by_nobody(bench):
    lock = sync.Lock()

    async def take():
        await lock.acquire()

    owner = bench.loop.create_task(take(), priority=LOW)
    bench.steps(3)
    waiter = bench.loop.create_task(lock.acquire(), priority=HIGH)
    bench.steps(3)
    known = weakref.ref(owner)
    del owner
    gc.collect()
    assert known() is None
    lock.release()
    bench.steps(3)
    assert waiter.done()


def test_a_lock_and_its_tasks_are_freed_while_they_wait(bench):
    lock = sync.Lock()
    tasks = [bench.loop.create_task(lock.acquire(), priority=level) for level in (LOW, HIGH, IDLE)]
    bench.steps(10)
    known = [weakref.ref(lock), *(weakref.ref(task) for task in tasks)]
    for task in tasks:
        task._log_destroy_pending = False
    del task, tasks, lock
    gc.collect()
    assert [ref() for ref in known] == [None] * 4


def test_a_thousand_waiters_get_the_lock_by_priority(bench):
    lock = sync.Lock()

    async def take(name):
        async with lock:
            bench.note(name)

    bench.loop.run_until_complete(lock.acquire())
    levels = [DEFAULT, LOW, HIGH, URGENT]
    tasks = [
        bench.loop.create_task(take((levels[number % 4], number)), priority=levels[number % 4])
        for number in range(1000)
    ]
    bench.steps(10)
    lock.release()
    while not all(task.done() for task in tasks):
        bench.step()
    assert bench.ran == sorted(bench.ran)
    assert len(bench.ran) == 1000


def test_waiters_from_before_the_first_priority_count_as_well():
    """In a process of its own, since a priority that was named once stays named."""
    program = """
import asyncio
import mainspring
from mainspring import Priority, sync

async def main():
    lock, order = sync.Lock(), []
    async def take(name):
        async with lock:
            order.append(name)
            await asyncio.sleep(0)
    owner = asyncio.create_task(take("owner"))
    waiters = [asyncio.create_task(take(name)) for name in range(3)]
    await asyncio.sleep(0)
    mainspring.set_priority(waiters[2], Priority.HIGH)
    print(mainspring.effective_priority(owner).name)
    await asyncio.gather(owner, *waiters)
    print(order)

mainspring.run(main)
"""
    assert run_program(program) == (0, "HIGH\n['owner', 2, 0, 1]\n", "")
