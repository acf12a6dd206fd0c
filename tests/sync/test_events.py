"""`Event`: asyncio's, and the order in which it wakes."""

import asyncio

import pytest

from mainspring import set_priority, sync
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT


async def wait_and_note(event, record, name):
    assert await event.wait() is True
    record.append(name)


def test_an_event_is_set_and_cleared(kind):
    event = kind.Event()
    assert not event.is_set()
    event.set()
    assert event.is_set()
    event.set()
    event.clear()
    assert not event.is_set()


def test_who_comes_to_a_set_event_does_not_wait(kind):
    event = kind.Event()
    event.set()
    with pytest.raises(StopIteration) as stopped:
        event.wait().send(None)
    assert stopped.value.value is True


def test_all_that_wait_are_woken_in_order_of_arrival(kind, run):
    async def main():
        event, record = kind.Event(), []
        tasks = [asyncio.create_task(wait_and_note(event, record, name)) for name in range(3)]
        await asyncio.sleep(0)
        assert record == []
        event.set()
        await asyncio.gather(*tasks)
        assert record == [0, 1, 2]

    run(main())


def test_an_event_that_is_cleared_at_once_has_woken_them_all_the_same(kind, run):
    async def main():
        event, record = kind.Event(), []
        task = asyncio.create_task(wait_and_note(event, record, "woken"))
        await asyncio.sleep(0)
        event.set()
        event.clear()
        await task
        assert (record, event.is_set()) == (["woken"], False)

    run(main())


def test_one_that_is_cancelled_waits_no_more(kind, run):
    async def main():
        event, record = kind.Event(), []
        cancelled, other = (
            asyncio.create_task(wait_and_note(event, record, name))
            for name in ("cancelled", "other")
        )
        await asyncio.sleep(0)
        cancelled.cancel()
        event.set()
        await other
        assert (record, cancelled.cancelled()) == (["other"], True)

    run(main())


def test_an_event_shows_its_state_and_how_many_wait(kind, run):
    async def main():
        event, record = kind.Event(), []
        assert repr(event).endswith(" [unset]>")
        task = asyncio.create_task(wait_and_note(event, record, "x"))
        await asyncio.sleep(0)
        assert repr(event).endswith(" [unset, waiters:1]>")
        event.set()
        await task
        assert repr(event).endswith(" [set]>")

    run(main())


def test_those_that_wait_are_woken_by_priority_and_then_in_order_of_arrival(bench):
    event = sync.Event()
    levels = [LOW, DEFAULT, HIGH, DEFAULT, IDLE, LOW, URGENT, HIGH]
    arrived = list(enumerate(levels))
    tasks = [bench.loop.create_task(wait_and_note(event, bench.ran, item)) for item in arrived]
    bench.step()
    for task, level in zip(tasks, levels, strict=True):
        set_priority(task, level)
    event.set()
    bench.steps(10)
    assert bench.ran == sorted(arrived, key=lambda item: item[1])
    assert all(task.done() for task in tasks)
