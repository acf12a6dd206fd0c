"""Where green threads meet the interpreter: recursion, collection, signals, destructors, order."""

import asyncio
import gc
import logging
import os
import signal
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import mainspring
from mainspring.green import BlockingSwitchOutError, await_, green, sleep, spawn
from tests.green.helpers import never, soon, turns


def test_recursion_without_end_in_a_green_thread_is_an_error_and_no_crash(run):
    def deeper(count):
        return deeper(count + 1)

    def through_c(count):
        return max([count], key=through_c)

    def main():
        for function in (deeper, through_c):
            with pytest.raises(RecursionError):
                spawn(function, 0).get()
        return await_(soon("alive"))

    assert run(main) == "alive"


def test_green_threads_may_wait_at_any_depth_of_the_c_stack(run):
    def nested(depth):
        if depth:
            return max([depth], key=lambda _: nested(depth - 1))
        turns()
        return 0

    def main():
        threads = [spawn(nested, depth) for depth in (1, 20, 5, 40, 10)]
        return [thread.get() for thread in threads]

    assert run(main) == [1, 20, 5, 40, 10]


def test_a_destructor_may_wait_inside_a_green_thread(run):
    class Waits:
        def __del__(self):
            self.seen.append(await_(soon("waited")))

    def main():
        thing = Waits()
        thing.seen = seen = []
        del thing
        return seen

    assert run(main) == ["waited"]


def test_a_weak_references_callback_may_wait_inside_a_green_thread(run):
    class Thing:
        pass

    def main():
        seen = []
        thing = Thing()
        watched = weakref.ref(thing, lambda _: seen.append(await_(soon("waited"))))
        del thing
        return watched(), seen

    assert run(main) == (None, ["waited"])


def test_a_signals_handler_may_wait_inside_a_green_thread(run):
    def main():
        seen = []
        before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(await_(soon("waited"))))
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            turns()
        finally:
            signal.signal(signal.SIGUSR1, before)
        return seen

    assert run(main) == ["waited"]


def test_a_generator_that_holds_a_wait_is_ended_when_it_is_dropped(run):
    def main():
        ended = []

        def values():
            try:
                yield 1
                yield 2
            finally:
                ended.append(await_(soon("waited")))

        values_left = values()
        next(values_left)
        del values_left
        gc.collect()
        return ended

    assert run(main) == ["waited"]


def test_an_asynchronous_generator_is_closed_by_the_loop_when_it_is_dropped(run):
    ended = []

    async def values():
        try:
            while True:
                yield await green(lambda: await_(soon(1)))
        finally:
            ended.append(await green(lambda: await_(soon("waited"))))

    async def first():
        return await anext(values())

    def main():
        value = await_(first())
        gc.collect()
        turns(6)
        return value

    assert run(main) == 1
    assert ended == ["waited"]


def test_a_waiting_thread_that_nobody_holds_is_ended_and_reported():
    reports = []

    def wait(ended):
        try:
            await_(never())
        finally:
            ended.append(True)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        ended = []
        call = green(wait, ended)
        # What it waits for is held by its stack alone, so it is stepped by hand.
        future = call.send(None)
        future.cancel()
        del call, future
        return ended

    assert mainspring.run(main) == [True]
    assert reports == []


def test_debug_mode_names_the_function_of_a_slow_green_thread(caplog):
    def slow_function():
        turns()

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 0
        await spawn(slow_function)

    with caplog.at_level(logging.WARNING, "asyncio"):
        mainspring.run(main, debug=True)
    assert any("slow_function" in record.getMessage() for record in caplog.records)


def test_the_same_program_has_the_same_order():
    def schedule():
        order = []

        def work(name, count):
            for turn in range(count):
                order.append((name, turn))
                if turn % 2:
                    await_(soon())
                else:
                    sleep(0)

        def main():
            for thread in [spawn(work, name, name + 2) for name in range(5)]:
                thread.join()

        mainspring.run(main)
        return order

    first = schedule()
    assert first == schedule()
    assert first[:5] == [(name, 0) for name in range(5)]


def test_a_high_green_thread_goes_before_a_default_one():
    def main():
        order = []
        spawn(order.append, "default")
        spawn(order.append, "high", priority=mainspring.Priority.HIGH)
        turns()
        return order

    assert mainspring.run(main) == ["high", "default"]


def test_a_low_green_thread_runs_though_high_ones_never_end():
    def main():
        loop = asyncio.get_running_loop()
        loop.low_max_wait = 0
        over = []

        def flood():
            while not over:
                sleep(0)

        spawn(flood, priority=mainspring.Priority.HIGH)
        spawn(flood, priority=mainspring.Priority.HIGH)
        spawn(over.append, True, priority=mainspring.Priority.LOW).join()
        return over

    assert mainspring.run(main) == [True]


def test_ten_thousand_green_threads_wait_at_once(run):
    def main():
        gate = never()
        threads = [spawn(await_, asyncio.shield(gate)) for _ in range(10_000)]
        turns()
        gate.set_result("open")
        return {thread.get() for thread in threads}

    assert run(main) == {"open"}


def test_a_step_that_a_task_begins_with_eagerly_is_no_part_of_the_green_call_that_starts_it():
    async def waits_greenly():
        await_(never())

    async def waits():
        return await soon("waited"), asyncio.current_task()

    def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        here = asyncio.current_task()
        failed = loop.create_task(waits_greenly())
        with pytest.raises(BlockingSwitchOutError, match=r"await green\(function\)"):
            await_(failed)
        assert asyncio.current_task() is here
        task = loop.create_task(waits())
        assert await_(task) == ("waited", task)
        # A green call is one by itself, wherever it is started.
        return await_(loop.create_task(green(lambda: await_(soon("green")))))

    assert mainspring.run(main) == "green"


def test_green_threads_of_two_loops_in_two_threads_know_nothing_of_each_other():
    meet = threading.Barrier(2)

    def loop_of_its_own():
        def step(task):
            for _ in range(100):
                sleep(0)
                assert asyncio.current_task() is task.result()

        def main():
            meet.wait()
            for _ in range(10):
                known = never()
                thread = spawn(step, known)
                known.set_result(thread)
                thread.get()
            return asyncio.get_running_loop()

        return mainspring.run(main)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(loop_of_its_own), threads.submit(loop_of_its_own)
        assert first.result() is not second.result()
