"""What `Lock` has in common with asyncio's."""

import asyncio

import pytest


async def settle():
    """Lets everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def hold(lock, record, name):
    """Starts a task that notes when it has the lock, and when it wants it no more."""

    async def holder():
        await lock.acquire()
        record.append(name)

    return asyncio.create_task(holder())


def test_a_free_lock_is_taken_at_once(kind, run):
    async def main():
        lock = kind.Lock()
        assert not lock.locked()
        assert await lock.acquire() is True
        assert lock.locked()
        lock.release()
        assert not lock.locked()

    run(main())


def test_a_free_lock_is_taken_without_a_loop(kind):
    lock = kind.Lock()
    acquiring = lock.acquire()
    with pytest.raises(StopIteration) as stopped:
        acquiring.send(None)
    assert stopped.value.value is True
    assert lock.locked()


def test_a_lock_that_nobody_has_cannot_be_released(kind):
    with pytest.raises(RuntimeError, match=r"Lock is not acquired\."):
        kind.Lock().release()


async def fail_with(lock):
    async with lock:
        raise ZeroDivisionError


def test_async_with_takes_a_lock_and_releases_it_after_an_exception(kind, run):
    async def main():
        lock = kind.Lock()
        async with lock as gives:
            assert gives is None
            assert lock.locked()
        assert not lock.locked()
        with pytest.raises(ZeroDivisionError):
            await fail_with(lock)
        assert not lock.locked()

    run(main())


def test_those_that_wait_get_the_lock_in_order_of_arrival(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        tasks = [hold(lock, record, name) for name in range(3)]
        await settle()
        assert record == []
        for count in range(1, 4):
            lock.release()
            await settle()
            assert record == list(range(count))
        assert all(task.done() for task in tasks)

    run(main())


def test_a_released_lock_is_free_until_the_woken_task_runs_but_not_to_be_had(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        first = hold(lock, record, "first")
        await settle()
        lock.release()
        assert not lock.locked()
        with pytest.raises(RuntimeError, match="not acquired"):
            lock.release()
        second = hold(lock, record, "second")
        await settle()
        assert (record, lock.locked(), second.done()) == (["first"], True, False)
        lock.release()
        await asyncio.gather(first, second)

    run(main())


def test_any_task_may_release_a_lock(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await hold(lock, record, "task")
        lock.release()
        assert not lock.locked()

    run(main())


def test_one_that_is_cancelled_while_it_waits_is_passed_over(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        cancelled, other = hold(lock, record, "cancelled"), hold(lock, record, "other")
        await settle()
        cancelled.cancel()
        lock.release()
        await settle()
        assert (record, cancelled.cancelled(), other.done()) == (["other"], True, True)

    run(main())


def test_one_that_is_cancelled_when_it_was_woken_hands_the_lock_on(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        woken, other = hold(lock, record, "woken"), hold(lock, record, "other")
        await settle()
        lock.release()
        woken.cancel()
        await settle()
        assert (record, woken.cancelled(), other.done()) == (["other"], True, True)
        assert lock.locked()

    run(main())


def test_the_last_one_that_is_cancelled_when_it_was_woken_frees_the_lock(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        woken = hold(lock, record, "woken")
        await settle()
        lock.release()
        woken.cancel()
        await settle()
        assert not lock.locked()
        await hold(lock, record, "next")
        assert record == ["next"]

    run(main())


def test_a_timeout_leaves_the_lock_to_others(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        await lock.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lock.acquire(), 0)
        other = hold(lock, record, "other")
        lock.release()
        await other
        assert record == ["other"]

    run(main())


def test_one_that_releases_and_takes_again_waits_behind_the_others(kind, run):
    async def main():
        lock, record = kind.Lock(), []

        async def again(name):
            for _ in range(2):
                async with lock:
                    record.append(name)
                    await asyncio.sleep(0)

        await asyncio.gather(again("a"), again("b"))
        assert record == ["a", "b", "a", "b"]

    run(main())


def test_a_lock_shows_its_state_and_how_many_wait(kind, run):
    async def main():
        lock, record = kind.Lock(), []
        assert repr(lock).endswith(" [unlocked]>")
        await lock.acquire()
        assert repr(lock).endswith(" [locked]>")
        waiter = hold(lock, record, "waiter")
        await settle()
        assert repr(lock).endswith(" [locked, waiters:1]>")
        lock.release()
        await waiter

    run(main())
