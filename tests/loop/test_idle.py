"""`run_idle` and `IdleExecutor`: functions that run in the time that the loop leaves."""

import asyncio
import contextvars
import gc
import itertools
import os
import sys
import threading
import weakref
from concurrent.futures import CancelledError as JobCancelled
from concurrent.futures import Executor

import pytest

import mainspring
from tests.loop.helpers import run_program


def fail():
    raise LookupError("of the job")


def test_run_idle_returns_what_the_function_returns(ours):
    async def main():
        return await ours.run_idle(divmod, 7, 2)

    assert ours.run_until_complete(main()) == (3, 1)


def test_run_idle_raises_what_the_function_raises(ours):
    async def main():
        with pytest.raises(LookupError, match="of the job"):
            await ours.run_idle(fail)

    ours.run_until_complete(main())


def test_the_function_sees_the_context_of_the_call(ours):
    variable = contextvars.ContextVar("variable")

    async def main():
        variable.set("seen")
        return await ours.run_idle(variable.get)

    assert ours.run_until_complete(main()) == "seen"


def test_functions_run_one_at_a_time_in_order_of_arrival(ours):
    running, order = [], []

    def work(number):
        running.append(number)
        assert running == [number]
        order.append((number, threading.current_thread().name))
        running.remove(number)

    async def main():
        await asyncio.gather(*(ours.run_idle(work, number) for number in range(20)))

    ours.run_until_complete(main())
    assert [number for number, _ in order] == list(range(20))
    assert len({name for _, name in order}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a niceness of its own on Linux")
def test_the_idle_thread_is_nice_and_of_the_idle_policy(ours):
    def claim():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), os.sched_getscheduler(0)

    before = claim()
    assert ours.run_until_complete(ours.run_idle(claim)) == (19, os.SCHED_IDLE)
    assert claim() == before


def test_a_function_that_was_cancelled_before_it_ran_never_runs(ours):
    ran, may_end = [], threading.Event()

    async def main():
        first = ours.run_idle(may_end.wait)
        second = ours.run_idle(ran.append, "second")
        second.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await first
        await ours.run_idle(ran.append, "third")

    ours.run_until_complete(main())
    assert ran == ["third"]


def test_a_function_that_runs_ends_by_default_when_its_future_is_cancelled(ours):
    has_begun, may_end, ended = threading.Event(), threading.Event(), []

    def work():
        has_begun.set()
        may_end.wait()
        ended.append(True)

    async def main():
        future = ours.run_idle(work)
        await asyncio.to_thread(has_begun.wait)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        may_end.set()
        await ours.run_idle(int)

    ours.run_until_complete(main())
    assert ended == [True]


def test_a_function_that_allows_it_is_stopped_when_its_future_is_cancelled(ours):
    has_begun, seen = threading.Event(), []

    def work():
        has_begun.set()
        try:
            for _ in itertools.count():
                pass
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        task = asyncio.ensure_future(ours.run_idle(work, cancel_idle="raise"))
        await asyncio.to_thread(has_begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The thread is free again.
        return await ours.run_idle(divmod, 7, 2)

    assert ours.run_until_complete(main()) == (3, 1)
    assert seen == ["cancelled"]


def test_a_function_that_is_cancelled_while_its_thread_stands_aside_does_not_begin(ours):
    ours.gate.set_limits(away_ns=3600 * 10**9, park_ns=3600 * 10**9)
    ran, lock = [], threading.Lock()

    async def main():
        job = ours.run_idle(ran.append, "job", cancel_idle="raise")
        with lock:
            while ours.scheduler_stats().gate.parks == 0:
                # Lets the idle thread have the GIL, though the loop is awake.
                lock.acquire(timeout=0.001)
        job.cancel()
        return await ours.run_idle(divmod, 7, 2)

    assert ours.run_until_complete(main()) == (3, 1)
    assert ran == []


def test_a_late_cancellation_hits_nobody_else(ours):
    # However close to its end a function is cancelled, the next one is left alone.
    async def main():
        for length in range(0, 2000, 50):
            job = ours.run_idle(sum, (n for n in range(length)), cancel_idle="raise")
            await asyncio.sleep(0)
            job.cancel()
            assert await ours.run_idle(sum, (n for n in range(100))) == 4950

    ours.run_until_complete(main())


def test_an_idle_job_that_waits_for_another_is_told_so(ours):
    executor = mainspring.IdleExecutor(ours)

    def wait():
        inner = executor.submit(int)
        try:
            return inner.result()
        finally:
            inner.cancel()

    async def main():
        with pytest.raises(RuntimeError, match="can't wait for another of the same loop"):
            await ours.run_idle(wait)

    ours.run_until_complete(main())


def test_an_idle_job_may_ask_for_one_that_is_done(ours):
    async def main():
        executor = mainspring.IdleExecutor()
        done = executor.submit(int, "5")
        await asyncio.wrap_future(done)
        return await ours.run_idle(done.result)

    assert ours.run_until_complete(main()) == 5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None,), TypeError, "a callable object was expected, got None"),
        ((asyncio.sleep, 1), TypeError, "create_task"),
    ],
)
def test_what_is_no_function_is_refused(ours, arguments, error, message):
    with pytest.raises(error, match=message):
        ours.run_idle(*arguments)


def test_an_unknown_way_to_cancel_is_refused(ours):
    with pytest.raises(ValueError, match='must be "finish" or "raise", not \'ask\''):
        ours.run_idle(int, cancel_idle="ask")


def test_a_closed_loop_takes_no_idle_work():
    loop = mainspring.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_idle(int)


def test_a_loop_whose_threads_were_shut_down_takes_no_idle_work(ours):
    ours.run_until_complete(ours.shutdown_default_executor())
    with pytest.raises(RuntimeError, match="shutdown"):
        ours.run_idle(int)


def test_the_shutdown_of_a_loops_threads_waits_for_idle_work(ours):
    ended = []

    async def main():
        ours.run_idle(lambda: ended.append(sum(n for n in range(100_000))))
        await ours.shutdown_default_executor()
        return list(ended)

    assert ours.run_until_complete(main()) == [sum(range(100_000))]


def test_a_loop_that_closes_drops_what_has_not_begun_and_lets_end_what_runs():
    loop = mainspring.new_event_loop()
    has_begun, may_end, ended = threading.Event(), threading.Event(), []

    def work():
        has_begun.set()
        may_end.wait()
        ended.append("first")

    async def main():
        executor = mainspring.IdleExecutor()
        return executor.submit(work), executor.submit(ended.append, "second")

    first, second = loop.run_until_complete(main())
    has_begun.wait()
    loop.close()
    may_end.set()
    first.result()
    with pytest.raises(JobCancelled):
        second.result()
    assert ended == ["first"]


def test_nothing_keeps_a_function_alive_that_has_run(ours):
    def make():
        def work():
            pass

        return work

    async def main():
        work = make()
        gone = weakref.ref(work)
        future = ours.run_idle(work)
        del work
        await future
        del future
        await ours.run_idle(int)
        return gone

    gone = ours.run_until_complete(main())
    gc.collect()
    assert gone() is None


def test_a_result_is_handed_over_ahead_of_a_backlog_of_default_work(ours):
    order, may_end = [], threading.Event()

    async def wait():
        await ours.run_idle(may_end.wait)
        order.append("result")

    async def main():
        task = ours.create_task(wait(), priority=mainspring.Priority.HIGH)
        await asyncio.sleep(0)
        may_end.set()
        # Has ended, and left its result, before anything below is queued.
        ours._idle_thread.shutdown(wait=True)
        for _ in range(3):
            ours.call_soon(order.append, "default", priority=mainspring.Priority.DEFAULT)
        await task

    ours.run_until_complete(main())
    assert order[0] == "result"


class TestIdleExecutor:
    def test_is_an_executor(self, ours):
        executor = mainspring.IdleExecutor(ours)
        assert isinstance(executor, Executor)
        assert list(executor.map(abs, [-1, 2])) == [1, 2]

    def test_serves_run_in_executor(self, ours):
        async def main():
            return await ours.run_in_executor(mainspring.IdleExecutor(), divmod, 7, 2)

        assert ours.run_until_complete(main()) == (3, 1)

    def test_takes_keywords(self, ours):
        assert mainspring.IdleExecutor(ours).submit(int, "z", base=36).result() == 35

    def test_waits_for_its_jobs_when_it_is_shut_down(self, ours):
        ended = []
        with mainspring.IdleExecutor(ours) as executor:
            executor.submit(lambda: ended.append(sum(n for n in range(100_000))))
        assert ended == [sum(range(100_000))]

    def test_takes_nothing_once_it_is_shut_down(self, ours):
        executor = mainspring.IdleExecutor(ours)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            executor.submit(int)
        assert mainspring.IdleExecutor(ours).submit(int).result() == 0

    def test_cancels_what_has_not_begun_if_asked_to(self, ours):
        may_end = threading.Event()
        other = mainspring.IdleExecutor(ours).submit(may_end.wait)
        executor = mainspring.IdleExecutor(ours)
        job = executor.submit(int)
        executor.shutdown(wait=False, cancel_futures=True)
        may_end.set()
        assert job.cancelled()
        assert other.result() is True

    def test_needs_a_loop(self):
        with pytest.raises(RuntimeError, match="no running event loop"):
            mainspring.IdleExecutor()

    def test_needs_a_loop_with_an_idle_thread(self):
        loop = asyncio.SelectorEventLoop()
        with pytest.raises(TypeError, match="needs a Mainspring loop"):
            mainspring.IdleExecutor(loop)
        loop.close()


def test_the_end_of_the_interpreter_waits_for_idle_work_as_for_any_threads():
    program = """
import asyncio, mainspring, threading
loop = mainspring.new_event_loop()
has_begun = threading.Event()

def work():
    has_begun.set()
    print(sum(number for number in range(100_000)))

async def main():
    loop.run_idle(work)
    await asyncio.to_thread(has_begun.wait)

loop.run_until_complete(main())
loop.close()
"""
    # Not in development mode, in which a slow machine has asyncio report its own slow callbacks.
    assert run_program(program, options=()) == (0, f"{sum(range(100_000))}\n", "")
