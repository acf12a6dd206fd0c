"""The compiled inheritance against the model: random programs of tasks that wait and lock.

Each task is a puppet: it waits to be told what to do next, which is to wait for others, to take
a lock or to release it, or to end. After each order everything runs that can, and the effective
priority of each task, who is done, and who took which lock when must be as in the model.
"""

import asyncio
import contextlib
import gc
import weakref
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring import effective_priority, get_priority, set_priority
from mainspring.sync import Lock
from tests.core.fakes import Bench

from .inheritance import Inheritance, Waiter
from .run_queue import Priority

LOCKS = 3
STEPS_TO_SETTLE = 60

numbers = st.integers(0, 7)
levels = st.sampled_from(list(Priority))
orders = st.one_of(
    st.tuples(st.just("create"), levels),
    st.tuples(st.just("set_priority"), numbers, levels),
    st.tuples(st.just("wait"), numbers, st.lists(numbers, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("acquire"), numbers, st.integers(0, LOCKS - 1)),
    st.tuples(st.just("release"), numbers, st.integers(0, LOCKS - 1)),
    st.tuples(st.just("cancel"), numbers),
    st.tuples(st.just("finish"), numbers),
)
programs = st.builds(
    lambda first, rest: [("create", level) for level in first] + rest,
    st.lists(levels, min_size=3, max_size=6),
    st.lists(orders, max_size=25),
)


class Puppets:
    """The tasks of a program on a loop of ours, and the model beside them."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.model = Inheritance(LOCKS)
        self.locks = [Lock() for _ in range(LOCKS)]
        self.taken: list[tuple[int, int]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.orders: list[asyncio.Future[Any]] = []

    def order(self, number: int, *order: Any) -> None:
        self.orders[number].set_result(order)
        self.settle()

    def settle(self) -> None:
        self.bench.steps(STEPS_TO_SETTLE)

    async def puppet(self, number: int) -> None:
        owned: list[int] = []
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                self.orders[number] = self.bench.loop.create_future()
                kind, *arguments = await self.orders[number]
                if kind == "finish":
                    break
                if kind == "release":
                    owned.remove(arguments[0])
                    self.locks[arguments[0]].release()
                elif kind == "acquire":
                    await self.locks[arguments[0]].acquire()
                    owned.append(arguments[0])
                    self.taken.append((arguments[0], number))
                else:
                    targets = [self.tasks[target] for target in arguments[0]]
                    await (targets[0] if len(targets) == 1 else asyncio.gather(*targets))
        for lock in sorted(owned):
            self.locks[lock].release()

    # The operations of a program; what makes no sense at the moment is left out.

    def create(self, level: Priority) -> None:
        number = len(self.tasks)
        if number == 8:
            return
        self.orders.append(self.bench.loop.create_future())
        self.tasks.append(self.bench.loop.create_task(self.puppet(number)))
        self.tasks[-1]._log_destroy_pending = False  # type: ignore[attr-defined]
        set_priority(self.tasks[-1], level)
        self.model.tasks.append(Waiter(level))
        self.settle()

    def set_priority(self, number: int, level: Priority) -> None:
        if number < len(self.tasks) and not self.model.tasks[number].is_done:
            set_priority(self.tasks[number], level)
            self.model.tasks[number].base = level

    def wait(self, number: int, targets: list[int]) -> None:
        targets = [n for n in targets if n < len(self.tasks) and n != number]
        if self.is_free(number) and targets:
            self.model.wait(number, targets, len(targets) > 1)
            self.order(number, "wait", targets)

    def acquire(self, number: int, lock: int) -> None:
        if self.is_free(number) and self.model.owners[lock] != number:
            self.model.acquire(number, lock)
            self.order(number, "acquire", lock)

    def release(self, number: int, lock: int) -> None:
        if self.is_free(number) and self.model.owners[lock] == number:
            self.model.release(lock)
            self.order(number, "release", lock)

    def cancel(self, number: int) -> None:
        # asyncio itself never comes back from a ring.
        if number < len(self.tasks) and not self.model.leads_to_a_ring(number):
            self.model.cancel(number)
            self.tasks[number].cancel()
            self.settle()

    def finish(self, number: int) -> None:
        if self.is_free(number):
            self.model.finish(number)
            self.order(number, "finish")

    def is_free(self, number: int) -> bool:
        return number < len(self.tasks) and self.model.tasks[number].is_free

    def check(self) -> None:
        assert [task.done() for task in self.tasks] == [t.is_done for t in self.model.tasks]
        living = [number for number, task in enumerate(self.tasks) if not task.done()]
        expected = self.model.effective()
        assert {number: effective_priority(self.tasks[number]) for number in living} == {
            number: expected[number] for number in living
        }
        assert [get_priority(self.tasks[number]) for number in living] == [
            self.model.tasks[number].base for number in living
        ]
        assert self.taken == self.model.taken


def run(program: list[Any]) -> None:
    puppets = Puppets()
    with puppets.bench:
        for name, *arguments in program:
            getattr(puppets, name)(*arguments)
            puppets.check()


@settings(deadline=None, max_examples=300, derandomize=True)
@given(programs)
def test_effective_priorities_are_those_of_the_model_after_every_order(program):
    run(program)


def test_nothing_is_kept_alive_by_loans_once_a_program_is_over():
    puppets = Puppets()
    for level in (Priority.LOW, Priority.HIGH, Priority.URGENT, Priority.IDLE):
        puppets.create(level)
    puppets.acquire(0, 0)
    puppets.wait(1, [0, 3])
    puppets.acquire(2, 0)
    puppets.check()
    known = [weakref.ref(task) for task in puppets.tasks]
    puppets.bench.loop.close()
    del puppets
    gc.collect()
    assert [ref() for ref in known] == [None] * 4
