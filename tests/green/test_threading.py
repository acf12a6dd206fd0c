"""`mainspring.green.threading` and `queue`: the stdlib's words, in green threads and outside."""

import asyncio
import logging
import math
import threading as original
import weakref

import pytest

import mainspring
from mainspring.green import BlockingSwitchOutError, await_, green, queue, sleep, spawn, threading
from mainspring.sync import Event
from tests.green.helpers import turns
from tests.sync.kinds import in_thread, until
from tests.threads import from_a_thread


@pytest.fixture(params=["Lock", "RLock"])
def lock(request):
    return getattr(threading, request.param)()


def test_a_lock_has_the_interface_of_the_stdlibs(lock):
    assert lock.acquire() is True
    assert lock.locked()
    assert from_a_thread(lock.acquire, False) is False
    assert from_a_thread(lock.acquire, True, 0) is False
    lock.release()
    assert not lock.locked()
    with pytest.raises(RuntimeError, match=r"release un"):
        lock.release()
    with pytest.raises(ValueError, match="non-blocking"):
        lock.acquire(False, 1)
    with pytest.raises(ValueError, match="non-negative"):
        lock.acquire(timeout=-2)
    with pytest.raises(ValueError, match="NaN"):
        lock.acquire(timeout=math.nan)
    with pytest.raises(OverflowError, match="too large"):
        lock.acquire(timeout=threading.TIMEOUT_MAX * 2)
    assert weakref.ref(lock)() is lock
    with lock:
        lock._at_fork_reinit()
        assert not lock.locked()
        assert lock.acquire(False)


@pytest.mark.parametrize(
    "wait",
    [
        lambda: threading.Event().wait(math.nan),
        lambda: threading.Semaphore(0).acquire(timeout=math.nan),
        lambda: spawn_thread(sleep, 0).join(math.nan),
        lambda: queue.Queue().get(timeout=math.nan),
        lambda: queue.SimpleQueue().get(timeout=math.nan),
    ],
)
def test_who_would_wait_for_nan_seconds_is_refused(wait):
    with pytest.raises(ValueError, match="NaN"):
        mainspring.run(wait)


def spawn_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


@pytest.mark.parametrize("order", [("native", "green"), ("green", "native")])
def test_a_green_thread_and_an_os_thread_share_a_lock_in_both_orders(lock, order):
    async def main():
        record, go = [], Event()

        def hold(name):
            with lock:
                record.append(name)
                if name == order[0]:
                    await_(go.wait())

        def begin(name):
            return spawn(hold, name) if name == "green" else in_thread(lambda: hold(name))

        first = begin(order[0])
        await until(lambda: record == [order[0]])
        second = begin(order[1])
        assert lock.acquire(False) is False
        asyncio.get_running_loop().call_soon(go.set)
        await asyncio.gather(first, second)
        async with lock:
            assert record == list(order)

    mainspring.run(main)


def test_only_the_green_thread_waits_and_its_time_may_be_limited(run):
    def main():
        lock = threading.Lock()
        lock.acquire()
        record = []
        other = spawn(lambda: record.append("others run"))
        assert lock.acquire(timeout=0.001) is False
        await_(other)
        assert record == ["others run"]
        thread = spawn(lock.acquire)
        turns()
        lock.release()
        assert await_(thread) is True
        assert lock.locked()

    run(main)


def test_the_loops_own_thread_raises_where_it_would_wait_for_itself(lock, run):
    async def main():
        go = Event()

        def hold():
            with lock:
                await_(go.wait())

        holder = spawn(hold)
        await asyncio.sleep(0)
        with pytest.raises(BlockingSwitchOutError, match="use `async with`"):
            lock.acquire()
        assert lock.acquire(False) is False
        go.set()
        await holder
        assert lock.acquire() is True

    run(main)


def test_the_loops_own_thread_goes_before_a_green_thread_that_was_woken_and_has_yet_to_run(run):
    async def main():
        lock, record = threading.Lock(), []
        lock.acquire()

        def take():
            with lock:
                record.append("green")

        waiter = spawn(take)
        await asyncio.sleep(0)
        lock.release()
        with lock:
            record.append("loop")
            await asyncio.sleep(0)
            record.append("still")
        await waiter
        assert record == ["loop", "still", "green"]

    run(main)


def test_logging_in_a_callback_while_a_green_thread_holds_the_handlers_lock_is_no_deadlock(run):
    async def main():
        handler = logging.NullHandler()
        handler.lock = threading.RLock()
        go = Event()

        def hold():
            handler.acquire()
            await_(go.wait())
            handler.release()

        holder = spawn(hold)
        await asyncio.sleep(0)
        with pytest.raises(BlockingSwitchOutError):
            handler.acquire()
        go.set()
        await holder
        handler.acquire()
        handler.release()

    run(main)


def test_a_reentrant_lock_belongs_to_one_green_thread(run):
    def main():
        lock = threading.RLock()
        with lock, lock:
            assert lock._is_owned()
            assert lock._recursion_count() == 2
            other = spawn(lambda: (lock._is_owned(), lock.acquire(False)))
            assert await_(other) == (False, False)
            saved = lock._release_save()
            assert not lock.locked()
            lock._acquire_restore(saved)
            assert lock._recursion_count() == 2
        assert not lock.locked()

    run(main)


@pytest.mark.parametrize("make", [threading.Condition, original.Condition])
def test_our_locks_serve_under_a_condition(make, run):
    def main():
        condition, ready = make(threading.Lock()), []

        def wait():
            with condition:
                return condition.wait_for(lambda: ready)

        def from_another_thread():
            with condition:
                ready.append(1)
                condition.notify_all()

        if make is original.Condition:
            # Its waiters block OS threads.
            waiter = asyncio.ensure_future(asyncio.to_thread(wait))
        else:
            waiter = spawn(wait)
        turns()
        await_(in_thread(from_another_thread))
        assert await_(waiter) == [1]

    run(main)


def test_a_condition_knows_its_misuse_and_its_end_of_time(run):
    def main():
        condition = threading.Condition()
        with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
            condition.wait()
        with pytest.raises(RuntimeError, match="cannot notify on un-acquired lock"):
            condition.notify()
        with condition:
            assert condition.wait(0.001) is False
            assert condition._is_owned()
        alien = threading.Condition(original.Lock())
        with alien:
            assert alien.wait(0.001) is False

    run(main)


def test_one_that_was_notified_and_is_killed_passes_its_notice_on(run):
    def main():
        semaphore, record = threading.Semaphore(0), []
        first = spawn(semaphore.acquire)
        second = spawn(lambda: record.append(semaphore.acquire()))
        turns()
        semaphore.release()
        first.kill()
        await_(second)
        assert record == [True]
        assert not semaphore._cond._lock.locked()

    run(main)


def test_the_rest_of_the_stdlibs_words_hold_in_green_threads(run):
    def main():
        event, barrier = threading.Event(), threading.Barrier(2)
        assert event.wait(0.001) is False
        threading.Timer(0, event.set).start()
        assert event.wait() is True
        thread = threading.Thread(target=barrier.wait)
        thread.start()
        assert barrier.wait() in (0, 1)
        thread.join()
        bounded = threading.BoundedSemaphore(1)
        with pytest.raises(ValueError, match="too many times"):
            bounded.release()
        assert bounded.acquire(blocking=False)
        assert not bounded.acquire(timeout=0.001)

    run(main)


def test_a_thread_that_is_started_in_a_green_thread_is_one(run):
    def main():
        seen = []

        def work(argument):
            sleep(0)
            seen.append((argument, threading.get_ident(), threading.current_thread()))

        thread = threading.Thread(target=work, args=("x",), name="worker", daemon=True)
        with pytest.raises(RuntimeError, match="before it is started"):
            thread.join()
        thread.start()
        with pytest.raises(RuntimeError, match="only be started once"):
            thread.start()
        assert thread.is_alive()
        assert thread in threading.enumerate()
        assert threading.active_count() >= 2
        thread.join()
        assert seen == [("x", thread.ident, thread)]
        assert not thread.is_alive()
        assert thread not in threading.enumerate()
        assert isinstance(thread, original.Thread)
        me = threading.current_thread()
        assert me is threading.current_thread()
        with pytest.raises(RuntimeError, match="dummy"):
            me.join()

    run(main)


def test_what_run_begins_with_is_the_main_thread():
    def main():
        me = threading.current_thread(), threading.get_ident()
        other = spawn(lambda: (threading.current_thread(), threading.get_ident())).get()
        return me, other

    me, other = mainspring.run(main)
    assert me == (original.main_thread(), original.get_ident())
    assert other[0] is not original.main_thread()
    assert other[1] != original.get_ident()


def test_what_run_begins_with_in_another_thread_isnt_the_main_thread():
    found = from_a_thread(mainspring.run, threading.current_thread)
    assert found is not original.main_thread()


def test_what_a_green_thread_raises_goes_to_the_excepthook(run, monkeypatch):
    def main():
        told = []
        monkeypatch.setattr(original, "excepthook", lambda args: told.append(args.exc_value))

        def fail():
            raise LookupError("nothing")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert [str(exc) for exc in told] == ["nothing"]

    run(main)


def test_an_os_thread_started_outside_is_joined_by_a_green_thread_without_stopping_the_loop(run):
    async def main():
        go, record = original.Event(), []
        thread = threading.Thread(target=go.wait)
        thread.start()

        def join():
            thread.join(0.001)
            record.append(thread.is_alive())
            asyncio.get_running_loop().call_soon(go.set)
            thread.join()
            record.append(thread.is_alive())

        await green(join)
        assert record == [True, False]

    run(main)


@pytest.mark.parametrize("kind", [queue.Queue, queue.LifoQueue, queue.PriorityQueue])
def test_a_queue_is_between_green_threads_and_os_threads(kind, run):
    def main():
        items = kind(1)
        put = in_thread(lambda: [items.put(number) for number in range(5)])
        assert [items.get() for _ in range(5)] == list(range(5))
        await_(put)
        with pytest.raises(queue.Empty):
            items.get(timeout=0.001)
        items.put(5)
        with pytest.raises(queue.Full):
            items.put(6, timeout=0.001)
        for _ in range(6):
            items.task_done()
        items.join()

    run(main)


def test_a_simple_queue_takes_from_anywhere(run):
    def main():
        items = queue.SimpleQueue()
        put = in_thread(lambda: items.put(1))
        assert items.get() == 1
        await_(put)
        assert items.empty()
        with pytest.raises(queue.Empty):
            items.get_nowait()

    run(main)
