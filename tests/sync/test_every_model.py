"""One object on which coroutines, green threads, OS threads and callbacks wait."""

import asyncio
import itertools

import pytest

import mainspring
from mainspring import Priority, effective_priority, priority, sync
from mainspring.green import BlockingSwitchOutError, GreenletExit, await_, green, spawn
from tests.sync.kinds import KINDS, in_thread, start, until, waiters

ORDERS = list(itertools.permutations(KINDS))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_lock_goes_to_each_kind_in_order_of_arrival(order):
    async def main():
        lock, record = sync.Lock(), []
        await lock.acquire()
        ends = []
        for count, kind in enumerate(order, 1):

            def tell(_, kind=kind):
                record.append(kind)
                lock.release()

            ends.append(start(kind, lock.acquire, tell))
            await until(lambda count=count: waiters(lock) == count)
        lock.release()
        await asyncio.gather(*ends)
        assert record == list(order)
        assert not lock.locked()

    mainspring.run(main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [sync.AsyncResult.get, lambda result: result])
def test_an_exception_that_is_there_already_is_raised_in_each_kind(kind, make):
    async def main():
        result = sync.AsyncResult()
        result.set_exception(LookupError("nothing here"))
        with pytest.raises(LookupError, match="nothing here"):
            await start(kind, lambda: make(result), pytest.fail)

    mainspring.run(main)


@pytest.mark.parametrize("holder", KINDS)
@pytest.mark.parametrize("waiter", KINDS)
def test_a_lock_that_one_kind_holds_makes_another_wait(holder, waiter):
    async def main():
        lock, record, go = sync.Lock(), [], sync.Event()

        def green_or_thread(name):
            with lock:
                record.append(name)
                if name == "holder":
                    await_(go.wait())
                record.append(f"{name} lets go")

        async def coroutine(name):
            async with lock:
                record.append(name)
                if name == "holder":
                    await go.wait()
                record.append(f"{name} lets go")

        def begin(kind, name):
            if kind == "coroutine":
                return asyncio.create_task(coroutine(name))
            if kind == "green":
                return spawn(green_or_thread, name)
            return in_thread(lambda: green_or_thread(name))

        first = begin(holder, "holder")
        await until(lambda: record == ["holder"])
        second = begin(waiter, "waiter")
        await until(lambda: waiters(lock) == 1)
        go.set()
        await asyncio.gather(first, second)
        assert record == ["holder", "holder lets go", "waiter", "waiter lets go"]

    mainspring.run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_a_semaphore_and_a_result_wake_every_kind(kind):
    async def main():
        event, semaphore, result = sync.Event(), sync.Semaphore(0), sync.AsyncResult()
        told = []
        for primitive, make, wake in (
            (event, event.wait, event.set),
            (semaphore, semaphore.acquire, semaphore.release),
            (result, result.get, lambda: result.set("value")),
        ):
            end = start(kind, make, told.append)
            await until(lambda primitive=primitive: waiters(primitive) == 1)
            wake()
            await end
        assert told == [True, True, "value"]

    mainspring.run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_a_queue_serves_every_kind_in_both_directions(kind):
    async def main():
        queue, told = sync.Queue(1), []
        getting = start(kind, queue.get, told.append)
        await until(lambda: waiters(queue) == 1)
        queue.put_nowait("got")
        assert queue.empty()
        await getting
        queue.put_nowait("first")
        putting = start(kind, lambda: queue.put("put"), told.append)
        await until(lambda: waiters(queue) == 1)
        assert queue.get_nowait() == "first"
        assert await queue.get() == "put"
        await putting
        joining = start(kind, queue.join, told.append)
        for _ in range(3):
            queue.task_done()
        await joining
        assert told == ["got", None, None]

    mainspring.run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_who_was_notified_has_the_lock_of_the_condition(kind):
    async def main():
        condition, told = sync.Condition(), []

        async def waits():
            async with condition:
                told.append((await condition.wait(), condition.locked()))

        def blocks():
            with condition:
                told.append((await_(condition.wait()), condition.locked()))

        if kind == "coroutine":
            end = asyncio.create_task(waits())
        elif kind == "green":
            end = spawn(blocks)
        else:
            end = in_thread(blocks)
        await until(lambda: waiters(condition) == 1)
        async with condition:
            condition.notify()
            assert told == []
        await end
        assert told == [(True, True)]
        assert not condition.locked()

    mainspring.run(main)


def test_tasks_of_two_loops_wait_for_one_lock():
    async def main():
        lock, record = sync.Lock(), []
        await lock.acquire()

        async def elsewhere():
            async with lock:
                record.append("elsewhere")

        end = in_thread(lambda: asyncio.run(elsewhere()))
        await until(lambda: waiters(lock) == 1)
        lock.release()
        await end
        async with lock:
            record.append("here")
        assert record == ["elsewhere", "here"]

    mainspring.run(main)


def test_a_lock_isn_t_lost_with_a_waiter_whose_loop_was_closed():
    async def main():
        lock = sync.Lock()
        await lock.acquire()
        loop = asyncio.SelectorEventLoop()

        def wait_and_close():
            asyncio.set_event_loop(loop)
            task = loop.create_task(lock.acquire())
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            return task

        task = await in_thread(wait_and_close)
        task._log_destroy_pending = False
        last = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        lock.release()
        assert await last is True

    mainspring.run(main)


@pytest.mark.parametrize("end", ["cancelled", "killed"])
def test_one_that_was_handed_an_item_and_ends_before_it_runs_hands_it_on(end):
    async def main():
        queue, told = sync.Queue(), []
        first = spawn(lambda: told.append(await_(queue.get())))
        second = start("coroutine", queue.get, told.append)
        await until(lambda: waiters(queue) == 2)
        queue.put_nowait("item")
        if end == "cancelled":
            first.cancel()
        else:
            first.kill(GreenletExit, block=False)
        await second
        assert told == ["item"]
        with pytest.raises(asyncio.CancelledError):
            await first

    mainspring.run(main)


def test_an_item_that_nobody_wants_any_more_is_the_first_again():
    async def main():
        queue = sync.Queue()
        getting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(1)
        queue.put_nowait(2)
        getting.cancel()
        await asyncio.wait([getting])
        assert [queue.get_nowait(), queue.get_nowait()] == [1, 2]

    mainspring.run(main)


def test_a_put_that_was_cancelled_has_not_put():
    async def main():
        queue = sync.Queue(1)
        queue.put_nowait("first")
        putting = asyncio.create_task(queue.put("cancelled"))
        await asyncio.sleep(0)
        queue.get_nowait()
        # The place is promised.
        assert queue.full()
        putting.cancel()
        await asyncio.wait([putting])
        assert queue.empty()
        assert not queue.full()

    mainspring.run(main)


def test_a_block_in_an_os_thread_ends_with_its_time_and_leaves_nothing_behind():
    lock = sync.Lock()
    assert lock.acquire().block() is True
    with pytest.raises(TimeoutError, match="has waited for 0 seconds"):
        lock.acquire().block(0)
    lock.release()
    assert not lock.locked()
    with lock:
        assert lock.locked()


def test_a_plain_with_in_a_coroutine_takes_a_free_lock_and_refuses_to_wait():
    async def main():
        lock = sync.Lock()
        with lock:
            assert lock.locked()
            with pytest.raises(BlockingSwitchOutError, match="`async with`"), lock:
                pass
        assert not lock.locked()

    mainspring.run(main)


def test_a_callback_is_called_by_the_loop_in_which_it_was_added():
    async def main():
        result, called = sync.AsyncResult(), asyncio.get_running_loop().create_future()
        taken_back = []
        result.add_done_callback(called.set_result)
        result.add_done_callback(taken_back.append)
        assert result.remove_done_callback(taken_back.append) == 1
        await in_thread(lambda: result.set(7))
        assert await called is result
        assert (await result, await_in_green(result), taken_back) == (7, 7, [])

    def await_in_green(result):
        return result.get_nowait()

    mainspring.run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_the_exception_of_a_result_is_raised_in_every_kind(kind):
    async def main():
        result = sync.AsyncResult()
        end = start(kind, lambda: result, None)
        await until(lambda: waiters(result) == 1)
        result.set_exception(LookupError("nothing"))
        with pytest.raises(LookupError, match="nothing"):
            await end

    mainspring.run(main)


def test_a_reentrant_lock_is_its_tasks_through_all_its_calls():
    async def main():
        lock = sync.RLock()

        def inner():
            with lock:
                return "had"

        async with lock:
            assert await green(inner) == "had"
            other = asyncio.create_task(lock.acquire())
            await asyncio.sleep(0)
            assert not other.done()
        await other
        with pytest.raises(RuntimeError, match="has not acquired it"):
            lock.release()

    mainspring.run(main)


def test_a_chain_of_owners_of_three_kinds_is_lent_what_the_last_waiter_has():
    async def main():
        one, two = sync.Lock(), sync.Lock()
        go = sync.Event()

        async def low():
            async with one:
                await go.wait()

        def middle():
            with two, one:
                pass

        async def high():
            async with two:
                pass

        with priority(Priority.LOW):
            first = asyncio.create_task(low())
            await until(one.locked)
            second = spawn(middle)
            await until(lambda: waiters(one) == 1)
        with priority(Priority.HIGH):
            third = asyncio.create_task(high())
        await until(lambda: waiters(two) == 1)
        assert effective_priority(first) is Priority.HIGH
        assert effective_priority(second) is Priority.HIGH
        go.set()
        await asyncio.gather(first, second, third)

    mainspring.run(main)


def test_an_os_thread_that_waits_lends_its_priority_to_a_task():
    async def main():
        lock, go = sync.Lock(), sync.Event()

        async def low():
            async with lock:
                await go.wait()

        def wait():
            with priority(Priority.HIGH), lock:
                pass

        with priority(Priority.LOW):
            owner = asyncio.create_task(low())
        await until(lock.locked)
        end = in_thread(wait)
        await until(lambda: effective_priority(owner) is Priority.HIGH)
        go.set()
        await end
        await owner

    mainspring.run(main)


def test_permits_and_items_go_to_the_most_urgent_first():
    async def main():
        semaphore, queue, record = sync.Semaphore(0), sync.Queue(), []

        async def take(name):
            await semaphore.acquire()
            record.append(name)
            record.append((name, await queue.get()))

        tasks = []
        for name in (Priority.LOW, Priority.DEFAULT, Priority.HIGH):
            with priority(name):
                tasks.append(asyncio.create_task(take(name)))
        await until(lambda: waiters(semaphore) == 3)
        for _ in range(3):
            semaphore.release()
        await until(lambda: waiters(queue) == 3)
        for item in range(3):
            queue.put_nowait(item)
        await asyncio.gather(*tasks)
        assert record[:3] == sorted(record[:3])
        assert sorted(record[3:]) == [
            (Priority.HIGH, 0),
            (Priority.DEFAULT, 1),
            (Priority.LOW, 2),
        ]

    mainspring.run(main)


def test_a_wait_that_was_never_awaited_says_so():
    wait = sync.Lock().acquire()
    with pytest.warns(RuntimeWarning, match=r"Lock\.acquire.*was never awaited"):
        del wait


def test_a_wait_serves_once():
    async def main():
        wait = sync.Lock().acquire()
        await wait
        with pytest.raises(RuntimeError, match="was awaited already"):
            await wait

    mainspring.run(main)
