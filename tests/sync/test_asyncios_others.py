"""What `Semaphore`, `Condition` and the queues have in common with asyncio's."""

import asyncio
import sys

import pytest

from mainspring.sync import QueueShutDown


async def settle():
    """Lets everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_semaphore_gives_its_permits_in_order_of_arrival(kind, run):
    async def main():
        semaphore, record = kind.Semaphore(2), []

        async def take(name):
            async with semaphore as gives:
                assert gives is None
                record.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(*(take(name) for name in range(5)))
        assert record == list(range(5))
        assert not semaphore.locked()
        assert repr(semaphore).endswith("[unlocked, value:2]>")

    run(main())


def test_nobody_overtakes_one_that_was_given_a_permit_and_has_yet_to_run(kind, run):
    async def main():
        semaphore, record = kind.Semaphore(0), []

        async def twice():
            await semaphore.acquire()
            semaphore.release()
            await semaphore.acquire()
            record.append("again")

        async def once():
            await semaphore.acquire()
            record.append("once")

        tasks = [asyncio.create_task(twice()), asyncio.create_task(once())]
        await settle()
        semaphore.release()
        semaphore.release()
        await asyncio.gather(*tasks)
        assert record == ["once", "again"]

    run(main())


def test_what_is_true_already_needs_no_lock(kind, run):
    async def main():
        assert await kind.Condition().wait_for(lambda: "true") == "true"

    run(main())


def test_a_primitive_takes_no_loop(kind):
    for make in (kind.Lock, kind.Event, kind.Condition, kind.Semaphore, kind.Queue):
        with pytest.raises(TypeError):
            make(loop=kind.loop)


def test_one_that_is_cancelled_with_a_permit_hands_it_on(kind, run):
    async def main():
        semaphore = kind.Semaphore(0)
        first, second = (asyncio.create_task(semaphore.acquire()) for _ in range(2))
        await settle()
        semaphore.release()
        first.cancel()
        assert await second is True
        assert semaphore.locked()

    run(main())


def test_a_semaphore_refuses_what_it_cannot_be(kind):
    with pytest.raises(ValueError, match="Semaphore initial value must be >= 0"):
        kind.Semaphore(-1)
    with pytest.raises(ValueError, match="BoundedSemaphore released too many times"):
        kind.BoundedSemaphore(1).release()


def test_those_that_are_notified_go_on_one_after_another_with_the_lock(kind, run):
    async def main():
        condition, record = kind.Condition(), []

        async def wait(name):
            async with condition:
                assert await condition.wait() is True
                record.append(name)

        tasks = [asyncio.create_task(wait(name)) for name in range(3)]
        await settle()
        async with condition:
            condition.notify(2)
            await settle()
            assert record == []
        await settle()
        assert record == [0, 1]
        async with condition:
            condition.notify_all()
        await asyncio.gather(*tasks)
        assert record == [0, 1, 2]

    run(main())


def test_wait_for_asks_again_after_each_notice(kind, run):
    async def main():
        condition, values = kind.Condition(), []

        async def wait():
            async with condition:
                return await condition.wait_for(lambda: len(values) == 2 and "both")

        waiting = asyncio.create_task(wait())
        for number in range(2):
            await settle()
            async with condition:
                values.append(number)
                condition.notify()
        assert await waiting == "both"

    run(main())


def test_one_that_is_cancelled_in_a_condition_has_the_lock_when_it_raises(kind, run):
    async def main():
        condition, record = kind.Condition(), []

        async def wait():
            async with condition:
                try:
                    await condition.wait()
                finally:
                    record.append(condition.locked())

        waiting = asyncio.create_task(wait())
        await settle()
        await condition.acquire()
        waiting.cancel()
        await settle()
        assert not waiting.done()
        condition.release()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert record == [True]
        assert not condition.locked()

    run(main())


def test_one_that_was_notified_and_is_cancelled_passes_its_notice_on(kind, run):
    if sys.version_info < (3, 13) and kind.Condition is asyncio.Condition:
        pytest.skip("before 3.13 asyncio's condition loses the notice")

    async def main():
        condition, record = kind.Condition(), []

        async def wait(name):
            async with condition:
                await condition.wait()
                record.append(name)

        first, second = (asyncio.create_task(wait(name)) for name in "ab")
        await settle()
        async with condition:
            condition.notify()
            first.cancel()
        await second
        assert (record, first.cancelled()) == (["b"], True)

    run(main())


def test_a_condition_is_used_with_its_lock_only(kind, run):
    async def main():
        condition = kind.Condition()
        with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
            await condition.wait()
        with pytest.raises(RuntimeError, match="cannot notify on un-acquired lock"):
            condition.notify()

    run(main())


@pytest.mark.parametrize(
    ("name", "order"),
    [("Queue", [3, 1, 2]), ("LifoQueue", [2, 1, 3]), ("PriorityQueue", [1, 2, 3])],
)
def test_each_queue_has_its_order(kind, run, name, order):
    async def main():
        queue = getattr(kind, name)()
        for item in (3, 1, 2):
            await queue.put(item)
        assert queue.qsize() == 3
        assert [await queue.get() for _ in range(3)] == order
        assert queue.empty()

    run(main())


def test_a_full_queue_makes_those_that_put_wait_in_order(kind, run):
    async def main():
        queue = kind.Queue(maxsize=1)
        tasks = [asyncio.create_task(queue.put(item)) for item in range(3)]
        await settle()
        assert queue.full()
        with pytest.raises(asyncio.QueueFull):
            queue.put_nowait(9)
        assert [await queue.get() for _ in range(3)] == [0, 1, 2]
        with pytest.raises(asyncio.QueueEmpty):
            queue.get_nowait()
        await asyncio.gather(*tasks)

    run(main())


def test_join_waits_until_every_item_is_done_with(kind, run):
    async def main():
        queue = kind.Queue()
        await queue.join()
        queue.put_nowait(1)
        joining = asyncio.create_task(queue.join())
        await settle()
        assert not joining.done()
        queue.get_nowait()
        queue.task_done()
        await joining
        with pytest.raises(ValueError, match="called too many times"):
            queue.task_done()

    run(main())


@pytest.mark.parametrize("immediate", [False, True])
def test_a_queue_that_was_shut_down_ends_those_that_wait(kind, run, immediate):
    async def main():
        queue = kind.Queue(1)
        if not hasattr(queue, "shutdown"):
            pytest.skip("asyncio's has it since 3.13")
        queue.put_nowait("left")
        putting = asyncio.create_task(queue.put("refused"))
        await settle()
        queue.shutdown(immediate)
        with pytest.raises(QueueShutDown):
            await putting
        with pytest.raises(QueueShutDown):
            queue.put_nowait("refused")
        if not immediate:
            assert await queue.get() == "left"
        with pytest.raises(QueueShutDown):
            await queue.get()
        with pytest.raises(QueueShutDown):
            queue.get_nowait()

    run(main())


def test_a_subclass_of_a_queue_stores_in_its_own_way(kind, run):
    class Distinct(kind.Queue):
        def _init(self, maxsize):
            self._queue = set()

        def _put(self, item):
            self._queue.add(item)

        def _get(self):
            return self._queue.pop()

    async def main():
        queue = Distinct()
        getting = asyncio.create_task(queue.get())
        await settle()
        for _ in range(2):
            queue.put_nowait("same")
        assert await getting == "same"
        assert queue.qsize() <= 1

    run(main())


def test_a_queue_shows_what_is_in_it(kind, run):
    async def main():
        queue = kind.Queue(1)
        queue.put_nowait(1)
        assert str(queue) == "<Queue maxsize=1 _queue=[1] tasks=1>"
        putting = asyncio.create_task(queue.put(2))
        await settle()
        assert "_putters[1]" in repr(queue)
        queue.get_nowait()
        await putting

    run(main())
