"""Queues and semaphores against a few lines of plain Python, with waiters of mixed kinds.

Whatever is put, cancelled or timed out in whatever order: no item is lost or given twice, and who
is served is the most urgent that waits, and among equals the one that came first.
"""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import mainspring
from mainspring import Priority, priority, sync
from mainspring.green import Timeout, await_, spawn

LEVELS = st.sampled_from([Priority.HIGH, Priority.DEFAULT, Priority.LOW])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from(["coroutine", "green", "timed"]), LEVELS),
        st.tuples(st.just("put"), st.none(), st.none()),
        st.tuples(st.just("cancel"), st.integers(0, 9), st.none()),
        st.tuples(st.just("put, then cancel"), st.integers(0, 9), st.none()),
    ),
    max_size=30,
)


class Program:
    """Waiters of a queue or a semaphore, and what the model says of each."""

    def __init__(self, kind: str) -> None:
        self.queue = sync.Queue[int]()
        self.semaphore = sync.Semaphore(0)
        self.is_queue = kind == "queue"
        self.record: list[tuple[int, Any]] = []
        self.expected: list[tuple[int, Any]] = []
        # In order of arrival: its number and its level.
        self.waiting: list[tuple[int, int]] = []
        self.stock: list[int] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.items = 0

    def make(self) -> Any:
        return self.queue.get() if self.is_queue else self.semaphore.acquire()

    def begin(self, kind: str, level: Priority) -> None:
        number = len(self.tasks)

        def tell(result: Any) -> None:
            self.record.append((number, result if self.is_queue else None))

        async def coroutine() -> None:
            tell(await self.make())

        def green() -> None:
            tell(await_(self.make()))

        def timed() -> None:
            # Its time is never over; whoever cancels it cancels through it.
            with Timeout(1000):
                green()

        with priority(level):
            if kind == "coroutine":
                self.tasks.append(asyncio.create_task(coroutine()))
            else:
                self.tasks.append(spawn(timed if kind == "timed" else green))
        if self.stock:
            item = self.stock.pop(0)
            self.expected.append((number, item if self.is_queue else None))
        else:
            self.waiting.append((number, level))

    def put(self) -> int | None:
        """Puts one; returns the number of who gets it."""
        item = self.items
        self.items += 1
        if self.is_queue:
            self.queue.put_nowait(item)
        else:
            self.semaphore.release()
        return self.hand_over(item)

    def hand_over(self, item: int) -> int | None:
        if not self.waiting:
            self.stock.append(item)
            return None
        served = min(self.waiting, key=lambda waiter: waiter[1])
        self.waiting.remove(served)
        self.expected.append((served[0], item if self.is_queue else None))
        return served[0]

    def cancel(self, number: int) -> None:
        if self.tasks[number].cancel():
            self.waiting = [waiter for waiter in self.waiting if waiter[0] != number]
            for given_to in self.expected:
                if given_to[0] == number:
                    self.expected.remove(given_to)
                    self.hand_over(given_to[1] if self.is_queue else 0)
                    break


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@given(kind=st.sampled_from(["queue", "semaphore"]), actions=ACTIONS)
@settings(deadline=None, max_examples=150)
def test_nothing_is_lost_or_given_twice_and_the_order_holds(kind: str, actions: Any) -> None:
    async def main() -> None:
        program = Program(kind)
        for action, which, level in actions:
            if action == "wait":
                program.begin(which, level)
            elif action == "put":
                program.put()
            elif action == "cancel":
                if which < len(program.tasks):
                    program.cancel(which)
            else:
                served = program.put()
                if served is not None:
                    program.cancel(served)
            # The test itself is no more urgent than what it waits for.
            with priority(Priority.LOW):
                await asyncio.create_task(settle())
        assert sorted(program.record) == sorted(program.expected)
        if kind == "queue":
            left = [program.queue.get_nowait() for _ in range(program.queue.qsize())]
            assert left == program.stock
        for task in program.tasks:
            task.cancel()
        await asyncio.gather(*program.tasks, return_exceptions=True)

    mainspring.run(main)
