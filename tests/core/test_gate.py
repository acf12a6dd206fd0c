"""The gate: the loop gets the GIL when it wants it, and nobody is kept out without a bound."""

import asyncio
import os
import threading

import pytest

import mainspring
from mainspring.core.gate import Gate
from tests.core.gating import NEVER, doze, loop_without_heirs
from tests.loop.helpers import run_program


@pytest.fixture
def loop():
    yield from loop_without_heirs()


def endless(has_begun, is_over):
    """Runs Python code until it is told to end."""
    has_begun.set()
    turns = 0
    while not is_over:
        turns += 1
    return turns


def run_beside_idle_work(loop, main):
    """Runs `main(count)` while an endless function counts in the idle thread."""

    async def body():
        has_begun, is_over, count = threading.Event(), [], [0]

        def work():
            has_begun.set()
            while not is_over:
                count[0] += 1

        job = loop.run_idle(work)
        await asyncio.to_thread(has_begun.wait)
        try:
            return await main(count)
        finally:
            is_over.append(True)
            await job

    return loop.run_until_complete(body())


@pytest.mark.parametrize("mode", ["gate", "request", "none"])
def test_a_gate_does_what_it_is_told_to(mode):
    assert Gate(mode).mode == mode


def test_an_unknown_mode_is_refused_by_name():
    with pytest.raises(ValueError, match=r'must be "gate", "request" or "none", not \'ajar\''):
        Gate("ajar")


def test_this_interpreter_has_a_gate():
    assert Gate().mode == "gate"


def test_the_environment_says_what_a_gate_does():
    program = "import mainspring; loop = mainspring.Loop(); print(loop.gate.mode); loop.close()"
    assert run_program(program, MAINSPRING_GATE="none") == (0, "none\n", "")


def test_the_idle_thread_makes_no_step_while_the_loop_is_awake(loop):
    # Not even when the loop's own code releases the GIL.
    loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)

    async def main(count):
        counts = []
        lock = threading.Lock()
        while not loop.gate.is_parked:
            await doze()
        for _ in range(100):
            # Releases the GIL and takes it again, at once.
            with lock:
                lock.acquire(timeout=0.0001)
            counts.append(count[0])
        return counts

    counts = run_beside_idle_work(loop, main)
    assert len(set(counts)) == 1


def test_the_idle_thread_goes_on_while_the_loop_sleeps(loop):
    loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)

    async def main(count):
        before = count[0]
        while count[0] == before:
            await doze()
        return True

    assert run_beside_idle_work(loop, main)


def test_a_loop_that_is_blocked_by_a_lock_of_the_idle_thread_gets_it(loop):
    # A deadlock, if the idle thread stayed parked.
    loop.gate.set_limits(away_ns=1000, park_ns=NEVER)
    lock = threading.Lock()
    has_lock = threading.Event()

    def work():
        with lock:
            has_lock.set()
            return sum(number for number in range(300_000))

    async def main():
        job = loop.run_idle(work)
        await asyncio.to_thread(has_lock.wait)
        with lock:
            pass
        return await job

    assert loop.run_until_complete(main()) == sum(range(300_000))


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="a scheduling policy of Linux")
def test_no_thread_but_the_idle_one_is_of_the_idle_policy():
    # A thread has its parent's policy for good, so it matters who starts the gate's helper.
    program = f"""{HEAD}
async def main():
    loop = asyncio.get_running_loop()
    loop.gate.set_limits(away_ns=1000, park_ns=3600 * 10**9)
    job = loop.run_idle(begun.set)
    begun.wait()
    await job
    print(loop.scheduler_stats().gate.expired_parks > 0)
    policies = [os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")]
    print(policies.count(os.SCHED_IDLE))

mainspring.run(main())
"""
    assert run_program(program, options=()) == (0, "True\n1\n", "")


def test_a_loop_that_is_never_idle_lets_the_idle_thread_on_when_its_park_has_expired(loop):
    loop.gate.set_limits(away_ns=NEVER, park_ns=1000)

    async def main():
        job = loop.run_idle(sum, (number for number in range(300_000)))
        while not job.done():
            await asyncio.sleep(0)
        return job.result()

    assert loop.run_until_complete(main()) == sum(range(300_000))
    assert loop.scheduler_stats().gate.expired_parks > 0


def test_the_gate_is_open_when_the_loop_does_not_run(loop):
    async def start():
        return loop.run_idle(sum, (number for number in range(300_000)))

    future = loop.run_until_complete(start())
    # Nothing runs the loop now, and the idle thread gets to its end.
    loop._idle_thread.shutdown(wait=True)
    assert loop.run_until_complete(future) == sum(range(300_000))


def test_a_worker_is_asked_for_the_gil_when_the_loop_wakes(loop):
    async def main():
        has_begun, is_over = threading.Event(), []
        worker = asyncio.create_task(asyncio.to_thread(endless, has_begun, is_over))
        while not has_begun.is_set():
            await doze()
        before = loop.scheduler_stats().gate.requests
        while loop.scheduler_stats().gate.requests == before:
            await doze()
        is_over.append(True)
        return await worker

    assert loop.run_until_complete(main()) > 0


def test_a_worker_gets_its_turn_beside_a_loop_that_is_never_idle(loop):
    async def main():
        worker = asyncio.create_task(asyncio.to_thread(sum, (number for number in range(300_000))))
        while not worker.done():
            await asyncio.sleep(0)
        return worker.result()

    assert loop.run_until_complete(main()) == sum(range(300_000))


@pytest.mark.parametrize("start", ["run_idle", "to_thread"])
def test_the_function_that_kept_the_gil_longest_is_known(loop, start):
    def one_long_call(may_begin, length):
        may_begin.wait()
        return sum(range(length))

    async def call(length):
        may_begin = threading.Event()
        if start == "run_idle":
            job = loop.run_idle(one_long_call, may_begin, length)
        else:
            job = loop.run_in_executor(None, one_long_call, may_begin, length)
        loop.call_soon(may_begin.set)
        while not job.done():
            await doze()

    # A thread that takes the GIL in the instant in which the loop finds it free isn't seen; then
    # the next, longer call is.
    length = 10_000_000
    while loop.gate.longest_refusal() is not one_long_call.__code__:
        loop.run_until_complete(call(length))
        length *= 2
    found = loop.scheduler_stats(restart_maxima=True).gate
    assert found.longest_wait > 0
    assert one_long_call.__qualname__ in found.longest_wait_name
    assert __file__ in found.longest_wait_name
    assert loop.scheduler_stats().gate.longest_wait_name is None


def test_two_loops_with_idle_work_and_workers_do_not_get_in_each_others_way():
    def run_one():
        async def main():
            loop = asyncio.get_running_loop()
            idle = [loop.run_idle(sum, (n for n in range(50_000))) for _ in range(3)]
            work = [asyncio.to_thread(sum, (n for n in range(50_000))) for _ in range(3)]
            for _ in range(200):
                await asyncio.sleep(0)
                await doze()
            return await asyncio.gather(*idle, *work)

        results.append(mainspring.run(main()))

    results = []
    threads = [threading.Thread(target=run_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[sum(range(50_000))] * 6] * 2


HEAD = """
import asyncio, itertools, logging, os, queue, sys, threading, warnings
import mainspring
warnings.simplefilter("ignore")

def endless():
    begun.set()
    for _ in itertools.count():
        pass

begun = threading.Event()

async def doze():
    await asyncio.sleep(0.0001)  # sleep-ok: the gate is open while the loop sleeps
"""


@pytest.mark.parametrize(
    ("take", "give"),
    [
        ("import importlib._bootstrap as b; b._blocking_on; lock = b._ModuleLock('x'); "
         "lock.acquire()", "lock.release()"),
        ("lock = logging._lock; lock.acquire()", "lock.release()"),
        ("lock = queue.Queue().mutex; lock.acquire()", "lock.release()"),
        ("lock = threading.RLock(); lock.acquire()", "lock.release()"),
        ("lock = threading.Condition(); lock.acquire()", "lock.release()"),
    ],
    ids=["import lock", "logging lock", "queue.Queue", "RLock", "Condition"],
)  # fmt: skip
def test_the_loop_waits_for_a_lock_that_the_idle_thread_holds_and_gets_it(take, give):
    program = f"""{HEAD}
def work():
    global lock
    {take}
    begun.set()
    for _ in range(300_000):
        pass
    {give}

async def main():
    job = asyncio.get_running_loop().run_idle(work)
    await asyncio.to_thread(begun.wait)
    lock.acquire()
    lock.release()
    await job
    print("got it")

mainspring.run(main())
"""
    assert run_program(program, options=()) == (0, "got it\n", "")


def test_references_to_the_gate_are_counted_with_the_gil_only():
    # Counts get lost, or the interpreter crashes, where the loop counts on its way to sleep.
    program = f"""{HEAD}
is_over = []

def refer():
    gate = loop.gate
    while not is_over:
        for other in [gate] * 1000:
            del other

async def main():
    for _ in range(3000):
        await doze()
    is_over.append(True)

loop = mainspring.new_event_loop()
before = sys.getrefcount(loop.gate)
worker = threading.Thread(target=refer)
worker.start()
loop.run_until_complete(main())
worker.join()
print(sys.getrefcount(loop.gate) - before)
loop.close()
"""
    assert run_program(program, options=()) == (0, "0\n", "")


def test_a_child_that_is_forked_beside_idle_work_runs_its_loop():
    program = f"""{HEAD}
is_over = []

def work():
    begun.set()
    while not is_over:
        pass

async def start():
    job = loop.run_idle(work)
    await asyncio.to_thread(begun.wait)
    return job

async def in_child():
    await doze()
    return await loop.run_idle(divmod, 7, 2)

loop = mainspring.new_event_loop()
job = loop.run_until_complete(start())
pid = os.fork()
if pid == 0:
    os._exit(7 if loop.run_until_complete(in_child()) == (3, 1) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
is_over.append(True)
loop.run_until_complete(job)
loop.close()
"""
    assert run_program(program, options=()) == (0, "7\n", "")


def test_a_child_that_is_forked_while_the_idle_thread_is_parked_makes_pending_calls():
    program = f"""{HEAD}
import ctypes

is_over, made = [], []

def work():
    begun.set()
    while not is_over:
        pass

@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def call(argument):
    made.append(True)
    return 0

async def main():
    loop = asyncio.get_running_loop()
    loop.gate.set_limits(away_ns=3600 * 10**9, park_ns=3600 * 10**9)
    job = loop.run_idle(work)
    await asyncio.to_thread(begun.wait)
    before = loop.scheduler_stats().gate.parks
    while loop.scheduler_stats().gate.parks == before:
        await doze()
    pid = os.fork()
    if pid == 0:
        ctypes.pythonapi.Py_AddPendingCall(call, None)
        for _ in range(100_000):
            pass
        os._exit(7 if made else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    is_over.append(True)
    await job

mainspring.run(main())
"""
    assert run_program(program, options=()) == (0, "7\n", "")


def test_an_idle_job_that_forks_goes_on_in_the_child():
    program = f"""{HEAD}
def work():
    pid = os.fork()
    if pid == 0:
        for _ in range(100_000):
            pass
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

async def main():
    job = asyncio.get_running_loop().run_idle(work)
    while not job.done():
        await doze()
    print(job.result())

mainspring.run(main())
"""
    assert run_program(program, options=()) == (0, "7\n", "")


def test_the_interpreter_ends_beside_a_loop_in_a_daemon_thread():
    program = f"""{HEAD}
async def main():
    begun.set()
    for _ in itertools.count():
        await doze()

threading.Thread(target=mainspring.run, args=(main(),), daemon=True).start()
begun.wait()
for _ in range(300_000):
    pass
print("over")
"""
    code, output, _ = run_program(program, options=())
    assert (code, output) == (0, "over\n")


@pytest.mark.parametrize("mode", ["request", "none"])
def test_idle_work_is_done_in_every_mode(mode):
    program = f"""{HEAD}
async def main():
    job = asyncio.get_running_loop().run_idle(sum, (number for number in range(100_000)))
    while not job.done():
        await doze()
    print(job.result(), sys.getswitchinterval())

mainspring.run(main())
"""
    output = f"{sum(range(100_000))} 0.005\n"
    assert run_program(program, options=(), MAINSPRING_GATE=mode) == (0, output, "")
