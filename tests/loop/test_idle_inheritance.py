"""`run_idle(..., inherit=True)`: a job is lent the priority of the tasks that wait for it."""

import asyncio
import gc
import itertools
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mainspring
from mainspring import Priority, set_priority
from mainspring.loop.idle_queue import IdleQueue
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT

NEVER = 3600 * 10**9


class Counting:
    """An endless job that counts, on a loop whose gate opens for no other reason than its sleep."""

    def __init__(self, loop, inherit=True):
        self.inherit = inherit
        loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)
        self.loop = loop
        self.count = 0
        self.has_begun = threading.Event()
        self.is_over = False
        self.lock = threading.Lock()

    def __call__(self):
        self.has_begun.set()
        while not self.is_over:
            self.count += 1

    def look(self):
        """Lets other threads have the GIL for a moment, though the loop is awake."""
        with self.lock:
            self.lock.acquire(timeout=0.0001)
        return self.count

    def goes_on(self):
        """Returns True once the job makes a step; hangs if it doesn't."""
        before = self.look()
        while self.look() == before:
            pass
        return True

    async def stands_aside(self):
        """Returns True when the job makes no step while the loop is awake."""
        while not self.loop.gate.is_parked:
            await asyncio.sleep(0.0001)  # sleep-ok: the loop has to sleep, and wake up
        return len({self.look() for _ in range(20)}) == 1

    def run(self, main):
        """Runs `main(job)`, and ends the job."""

        async def body():
            job = self.loop.run_idle(self, inherit=self.inherit)
            await asyncio.to_thread(self.has_begun.wait)
            try:
                return await main(job)
            finally:
                self.is_over = True
                rest = asyncio.all_tasks() - {asyncio.current_task()}
                await asyncio.gather(job, *rest, return_exceptions=True)

        return self.loop.run_until_complete(body())


@pytest.fixture
def counting(ours):
    return Counting(ours)


async def wait_for(future):
    await future


async def gathered(future):
    await asyncio.gather(future)


async def shielded(future):
    await asyncio.shield(future)


async def waited(future):
    await asyncio.wait([future])


async def within_timeout(future):
    async with asyncio.timeout(3600):
        await future


@pytest.mark.parametrize("wait", [wait_for, gathered, shielded, waited, within_timeout])
@pytest.mark.parametrize("level", [HIGH, URGENT])
def test_while_an_urgent_task_waits_for_it_a_job_runs_though_the_loop_is_awake(
    counting, level, wait
):
    async def main(job):
        counting.loop.create_task(wait(job), priority=level)
        await asyncio.sleep(0)
        return counting.goes_on()

    assert counting.run(main)


@pytest.mark.parametrize("level", [DEFAULT, LOW, IDLE])
def test_a_task_that_is_not_urgent_leaves_the_job_idle(counting, level):
    async def main(job):
        set_priority(asyncio.current_task(), IDLE)
        waiter = counting.loop.create_task(wait_for(job), priority=level)
        while waiter._fut_waiter is not job:
            await asyncio.sleep(0)
        return await counting.stands_aside()

    assert counting.run(main)


def test_the_job_stands_aside_again_when_its_waiter_leaves(counting):
    async def main(job):
        waiter = counting.loop.create_task(wait_for(job), priority=HIGH)
        await asyncio.sleep(0)
        assert counting.goes_on()
        set_priority(waiter, DEFAULT)
        assert await counting.stands_aside()
        set_priority(waiter, URGENT)
        assert counting.goes_on()
        waiter.cancel()
        await asyncio.sleep(0)
        return await counting.stands_aside()

    assert counting.run(main)


def test_the_job_stands_aside_when_one_of_two_waiters_leaves_and_then_the_other(counting):
    async def main(job):
        one, other = (
            counting.loop.create_task(wait_for(target), priority=HIGH)
            for target in (lend_on(job), job)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        set_priority(one, LOW)
        assert counting.goes_on()
        set_priority(other, LOW)
        return await counting.stands_aside()

    def lend_on(job):
        return counting.loop.create_task(wait_for(job), priority=LOW)

    assert counting.run(main)


def test_without_inherit_a_job_stays_idle_whoever_waits(ours):
    counting = Counting(ours, inherit=False)

    async def main(job):
        ours.create_task(wait_for(job), priority=URGENT)
        await asyncio.sleep(0)
        return await counting.stands_aside()

    assert counting.run(main)


def test_a_job_that_runs_gets_on_when_an_urgent_task_waits_for_the_one_behind_it(counting):
    async def main(job):
        behind = counting.loop.run_idle(int, inherit=True)
        counting.loop.create_task(wait_for(behind), priority=HIGH)
        await asyncio.sleep(0)
        return counting.goes_on()

    assert counting.run(main)


class Blocked:
    """Jobs that stand behind one which doesn't end, and the order in which they then run."""

    def __init__(self, loop):
        self.loop = loop
        self.may_end = threading.Event()
        self.order = []
        loop.run_idle(self.may_end.wait)

    def submit(self, name):
        return self.loop.run_idle(self.order.append, name, inherit=True)

    def wait(self, future, level):
        return self.loop.create_task(wait_for(future), priority=level)

    async def run(self, *futures):
        self.may_end.set()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*futures, *rest, return_exceptions=True)
        return self.order


def test_jobs_run_by_the_urgency_of_their_waiters_and_then_in_order_of_arrival(ours):
    async def main():
        blocked = Blocked(ours)
        jobs = [blocked.submit(name) for name in "abcdef"]
        for job, level in zip(jobs, [DEFAULT, HIGH, LOW, URGENT, HIGH, DEFAULT], strict=True):
            blocked.wait(job, level)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await blocked.run(*jobs)

    assert ours.run_until_complete(main()) == list("dbeacf")


def test_a_job_whose_waiter_has_left_runs_where_it_would_have(ours):
    async def main():
        blocked = Blocked(ours)
        jobs = [blocked.submit(name) for name in "abc"]
        waiter = blocked.wait(jobs[1], HIGH)
        last = blocked.wait(jobs[2], URGENT)
        await asyncio.sleep(0)
        set_priority(waiter, LOW)
        set_priority(last, HIGH)
        return await blocked.run(*jobs)

    assert ours.run_until_complete(main()) == list("cab")


def test_a_job_that_is_cancelled_while_an_urgent_task_waits_leaves_the_gate_as_it_was(ours):
    lifted = []

    async def main():
        blocked = Blocked(ours)
        ours._idle_thread._queue._lift = lifted.append
        job = blocked.submit("job")
        waiter = blocked.wait(job, HIGH)
        await asyncio.sleep(0)
        assert lifted == [True]
        job.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert lifted == [True, False]
        return await blocked.run(blocked.submit("other"))

    assert ours.run_until_complete(main()) == ["other"]


def test_the_gate_comes_down_with_the_end_of_the_job_and_not_with_the_news_of_it(ours):
    lifted = []

    async def main():
        blocked = Blocked(ours)
        ours._idle_thread._queue._lift = lifted.append
        job = blocked.submit("job")
        waiter = blocked.wait(job, HIGH)
        await asyncio.sleep(0)
        blocked.may_end.set()
        ours._idle_thread.shutdown(wait=True)
        assert not job.done()
        assert lifted == [True, False]
        await asyncio.gather(job, waiter)

    ours.run_until_complete(main())
    assert lifted == [True, False]


@pytest.mark.parametrize("inherit", [False, True])
def test_a_future_that_inherits_is_a_future_as_any_other(ours, inherit):
    def fail():
        raise LookupError("of the job")

    async def main():
        job = ours.run_idle(divmod, 7, 2, inherit=inherit)
        assert isinstance(job, asyncio.Future)
        assert await job == (3, 1)
        with pytest.raises(LookupError, match="of the job"):
            await ours.run_idle(fail, inherit=inherit)

    ours.run_until_complete(main())


def test_nothing_keeps_a_job_alive_that_has_run_and_no_collector_is_needed(ours):
    class Work:
        def __call__(self):
            return None

    async def main():
        work = Work()
        gone = [weakref.ref(work)]
        future = ours.run_idle(work, inherit=True)
        gone.append(weakref.ref(future))
        waiter = ours.create_task(wait_for(future), priority=HIGH)
        del work
        await waiter
        del future, waiter
        await ours.run_idle(int)
        return gone

    gc.collect()
    gc.disable()
    try:
        gone = ours.run_until_complete(main())
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_a_loop_that_closes_with_a_lent_job_lets_it_end():
    loop = mainspring.new_event_loop()
    may_end, ended = threading.Event(), threading.Event()

    def work():
        may_end.wait()
        ended.set()

    async def main():
        job = loop.run_idle(work, inherit=True)
        waiter = loop.create_task(wait_for(job), priority=HIGH)
        await asyncio.sleep(0)
        waiter.cancel()
        return asyncio.gather(waiter, return_exceptions=True)

    loop.run_until_complete(main())
    loop.close()
    may_end.set()
    assert ended.wait(60)


class Job:
    """Stands for an idle job in the queue."""

    def __init__(self, arrival):
        self.arrival = arrival
        self.is_done = False

    def done(self):
        return self.is_done


@given(
    st.lists(
        st.one_of(
            st.just(("add",)),
            st.just(("take",)),
            st.just(("end",)),
            st.tuples(st.just("urge"), st.integers(0, 7), st.sampled_from([URGENT, HIGH, IDLE])),
        ),
        max_size=40,
    )
)
def test_the_queue_is_a_sort_by_urgency_and_arrival(operations):
    lifted = []
    queue = IdleQueue(lambda is_lifted: lifted.append(is_lifted))
    queued, running, urgency, jobs = [], [], {}, []
    for operation, *details in operations:
        if operation == "add":
            job = Job(len(jobs))
            jobs.append(job)
            queued.append(job)
            queue.add(job, job)
        elif operation == "take" and queued:
            first = min(queued, key=lambda job: (urgency.get(job, IDLE), job.arrival))
            assert queue.take() == (first, first)
            queued.remove(first)
            running.append(first)
        elif operation == "end" and running:
            job = running.pop()
            queue.end(job)
            job.is_done = True
            urgency.pop(job, None)
        elif operation == "urge" and details[0] < len(jobs):
            job, priority = jobs[details[0]], details[1]
            queue.urge(job, priority)
            urgency.pop(job, None)
            if priority is not Priority.IDLE and not job.is_done:
                urgency[job] = priority
        assert (lifted[-1] if lifted else False) == bool(urgency)
        assert all(one != other for one, other in itertools.pairwise(lifted))
    for job in sorted(queued, key=lambda job: (urgency.get(job, IDLE), job.arrival)):
        assert queue.take()[0] is job
