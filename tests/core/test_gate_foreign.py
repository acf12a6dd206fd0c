"""The gate beside others: another extension's threads and pending calls, and Unix signals."""

import asyncio
import gc
import os
import signal
import threading
import weakref

import pytest

from tests.core.foreign import compile_module, load
from tests.core.gating import NEVER, doze, loop_without_heirs
from tests.loop.helpers import run_program


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_module(tmp_path_factory.mktemp("foreign"))


@pytest.fixture(scope="module")
def foreign(compiled):
    return load(compiled)


@pytest.fixture
def loop():
    yield from loop_without_heirs()


class Counting:
    """An endless idle job, that counts."""

    def __init__(self, loop):
        self.loop = loop
        self.count = 0
        self.is_over = False
        self.has_begun = threading.Event()

    def __call__(self):
        self.has_begun.set()
        while not self.is_over:
            self.count += 1

    async def __aenter__(self):
        self.job = self.loop.run_idle(self)
        await asyncio.to_thread(self.has_begun.wait)
        return self

    async def __aexit__(self, *exc_info):
        self.is_over = True
        await self.job

    async def is_parked(self):
        while not self.loop.gate.is_parked:
            await doze()


def test_a_pending_call_of_another_extension_is_made_while_the_idle_thread_is_parked(loop, foreign):
    loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)

    async def main():
        async with Counting(loop) as job:
            await job.is_parked()
            before = foreign.calls_made()
            assert foreign.add_pending_call()
            while foreign.calls_made() == before:
                await asyncio.sleep(0)
            assert loop.gate.is_parked
            counted = job.count
            while job.count == counted:
                await doze()
            return foreign.calls_made() - before

    assert loop.run_until_complete(main()) == 1


def test_the_loop_gets_the_gil_though_another_thread_is_in_a_foreign_pending_call(loop, foreign):
    # The idle thread can't be asked by a pending call then: it is asked as any other thread is.
    loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)

    def block():
        while not foreign.has_blocked():
            foreign.block_in_pending_call()
            for _ in range(100):
                pass

    async def main():
        worker = threading.Thread(target=block)
        worker.start()
        while not foreign.has_blocked():
            await doze()
        async with Counting(loop) as job:
            parks = loop.scheduler_stats().gate.parks
            while loop.scheduler_stats().gate.repeats == 0:
                await doze()
            counted = job.count
            while job.count == counted:
                await doze()
            assert loop.scheduler_stats().gate.parks == parks
            foreign.unblock()
            await job.is_parked()
        worker.join()

    loop.run_until_complete(main())


def test_a_signal_is_handled_while_the_idle_thread_is_parked(loop):
    loop.gate.set_limits(away_ns=NEVER, park_ns=NEVER)
    order = []

    async def main():
        loop.add_signal_handler(signal.SIGUSR1, order.append, "loop")
        former = signal.signal(signal.SIGUSR2, lambda *args: order.append("plain"))
        try:
            async with Counting(loop) as job:
                await job.is_parked()
                os.kill(os.getpid(), signal.SIGUSR1)
                os.kill(os.getpid(), signal.SIGUSR2)
                while len(order) < 2:
                    await asyncio.sleep(0)
                return loop.gate.is_parked
        finally:
            signal.signal(signal.SIGUSR2, former)
            loop.remove_signal_handler(signal.SIGUSR1)

    assert loop.run_until_complete(main())
    assert sorted(order) == ["loop", "plain"]


# In programs of their own, because no other Python thread may live when the loop goes to sleep.
VISITED = """
import threading, mainspring
from tests.core.foreign import load
foreign = load({path!r})
loop = mainspring.new_event_loop()
loop.gate.set_limits(away_ns=3600 * 10**9, park_ns=3600 * 10**9)
over = loop.create_future()
seen = []
over.add_done_callback(seen.append)
executor = mainspring.IdleExecutor(loop)

def submit():
    executor.submit(loop.call_soon_threadsafe, over.set_result, "ran")

def keep_the_gil():
    loop.call_soon_threadsafe(over.set_result, "asked")
    while not seen:
        pass

foreign.call_when_asleep(threading.get_native_id(), {visit})
print(loop.run_until_complete(over))
found = loop.scheduler_stats().gate
print({figure})
executor.shutdown()
loop.close()
"""


def test_a_thread_from_nowhere_finds_the_gate_open_while_the_loop_sleeps(compiled):
    program = VISITED.format(path=str(compiled), visit="submit", figure="found.parks")
    assert run_program(program) == (0, "ran\n0\n", "")


def test_a_thread_from_nowhere_is_asked_for_the_gil_by_a_loop_that_had_no_company(compiled):
    program = VISITED.format(path=str(compiled), visit="keep_the_gil", figure="found.requests > 0")
    assert run_program(program) == (0, "asked\nTrue\n", "")


def test_the_end_of_a_refused_function_may_change_what_is_watched(loop):
    # The loop drops the last reference to its code, when another has refused for longer, between
    # the poll and what the poll found: whoever has a weak reference is called there.
    ran = []

    def function(length):
        names = {"bytes": bytes, "length": length}
        exec("def refuse():\n    (bytes(length) * 2).count(1)", names)
        return names["refuse"]

    read, write = os.pipe()
    other, its_end = os.pipe()

    def change(reference):
        loop.remove_reader(read)
        loop.add_reader(other, ran.append, "other")
        loop.call_soon(ran.append, "soon")

    async def refuse(length):
        """Returns the code of a function that has refused for longer than any before."""
        while True:
            work = function(length)
            job = loop.run_idle(work)
            while not job.done():
                await doze()
            if loop.gate.longest_refusal() is work.__code__:
                return work.__code__, length
            length *= 2

    async def main():
        code, length = await refuse(1_000_000)
        loop.add_reader(read, ran.append, "read")
        gone = weakref.ref(code, change)
        del code
        gc.collect()
        assert gone() is not None
        await refuse(2 * length)
        assert gone() is None
        os.write(write, b"x")
        os.write(its_end, b"x")
        while "other" not in ran:
            await doze()
        loop.remove_reader(other)

    loop.run_until_complete(main())
    assert ran[0] == "soon"
    assert "read" not in ran
    for fd in (read, write, other, its_end):
        os.close(fd)
