"""The scheduling microbenchmarks themselves; as a program, runs one of them on one loop.

The invariant: a case does exactly `operations` of what it is named after and nothing in
proportion to them besides, so time divided by operations is the cost of one; and running it with
N and with 2N gives the cost of N without anything that happens once (how `callgrind` uses it).

What is timed is CPU time, so that neither another program on the core nor the milliseconds in
which a loop sleeps towards a timer are charged to it; only the case with two threads, in which
waiting for one another is the cost, goes by the clock on the wall.
"""

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.loops import make_loop

Loop = asyncio.AbstractEventLoop
BATCH = 1000
TIMERS = 20_000
SWITCHING_TASKS = 100


@dataclass(frozen=True)
class Case:
    """One microbenchmark."""

    title: str
    run: Callable[[Loop, int], None]
    operations: int
    clock: Callable[[], int] = time.process_time_ns


def _nothing() -> None:
    pass


def _nothing_with(first: int, second: str) -> None:
    pass


async def _coroutine() -> None:
    pass


def _run_batches(loop: Loop, operations: int, schedule: Callable[[int], None]) -> None:
    left = operations

    def batch() -> None:
        nonlocal left
        if left <= 0:
            loop.stop()
            return
        schedule(min(BATCH, left))
        left -= BATCH
        loop.call_soon(batch)

    loop.call_soon(batch)
    loop.run_forever()


def call_soon(loop: Loop, operations: int) -> None:
    """Callbacks scheduled 1,000 at a time from within the loop, and run."""

    def schedule(count: int) -> None:
        call_soon = loop.call_soon
        for _ in range(count):
            call_soon(_nothing)

    _run_batches(loop, operations, schedule)


def call_soon_args(loop: Loop, operations: int) -> None:
    """The same with two arguments for each callback."""

    def schedule(count: int) -> None:
        call_soon = loop.call_soon
        for _ in range(count):
            call_soon(_nothing_with, 1, "two")

    _run_batches(loop, operations, schedule)


def call_soon_chain(loop: Loop, operations: int) -> None:
    """Each callback schedules the next: one callback an iteration of the loop, poll included."""
    left = operations

    def step() -> None:
        nonlocal left
        left -= 1
        if left > 0:
            loop.call_soon(step)
        else:
            loop.stop()

    loop.call_soon(step)
    loop.run_forever()


def switch(loop: Loop, operations: int) -> None:
    """`await sleep(0)` in 100 tasks in turn."""

    async def worker(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def main() -> None:
        turns = operations // SWITCHING_TASKS
        await asyncio.gather(*[worker(turns) for _ in range(SWITCHING_TASKS)])

    loop.run_until_complete(main())


def spawn(loop: Loop, operations: int) -> None:
    """A task created and awaited, one at a time."""

    async def main() -> None:
        for _ in range(operations):
            await loop.create_task(_coroutine())

    loop.run_until_complete(main())


def queue(loop: Loop, operations: int) -> None:
    """An item to another task through one asyncio.Queue, and back through a second."""

    async def main() -> None:
        there: asyncio.Queue[int] = asyncio.Queue()
        back: asyncio.Queue[int] = asyncio.Queue()

        async def peer() -> None:
            for _ in range(operations):
                back.put_nowait(await there.get())

        other = loop.create_task(peer())
        for i in range(operations):
            there.put_nowait(i)
            await back.get()
        await other

    loop.run_until_complete(main())


def timer_cancel(loop: Loop, operations: int) -> None:
    """A timer of a minute made and cancelled; the loop runs after each 1,000."""

    async def main() -> None:
        for start in range(0, operations, BATCH):
            for _ in range(min(BATCH, operations - start)):
                loop.call_later(60, _nothing).cancel()
            await asyncio.sleep(0)

    loop.run_until_complete(main())


def timer_fire(loop: Loop, operations: int) -> None:
    """Timers of 1 to 4 ms, 20,000 at a time, made and fired."""

    async def main() -> None:
        for start in range(0, operations, TIMERS):
            waiting = min(TIMERS, operations - start)
            done = loop.create_future()

            def fire(done: asyncio.Future[None] = done) -> None:
                nonlocal waiting
                waiting -= 1
                if not waiting:
                    done.set_result(None)

            for i in range(waiting):
                loop.call_later((1 + i % 4) / 1000, fire)
            await done

    loop.run_until_complete(main())


def threadsafe(loop: Loop, operations: int) -> None:
    """Callbacks sent by another thread while the loop runs, until all have run."""
    go = threading.Event()

    def send() -> None:
        go.wait()
        for _ in range(operations):
            loop.call_soon_threadsafe(_nothing)
        loop.call_soon_threadsafe(loop.stop)

    sender = threading.Thread(target=send)
    sender.start()
    loop.call_soon(go.set)
    loop.run_forever()
    sender.join()


def run_until_complete(loop: Loop, operations: int) -> None:
    """The loop started for one empty coroutine, and stopped."""
    for _ in range(operations):
        loop.run_until_complete(_coroutine())


def gather(loop: Loop, operations: int) -> None:
    """`gather` of 100 empty coroutines; one operation is one gather."""

    async def main() -> None:
        for _ in range(operations):
            await asyncio.gather(*[_coroutine() for _ in range(100)])

    loop.run_until_complete(main())


CASES = {
    "call_soon": Case("call_soon, 1,000 at a time", call_soon, 100_000),
    "call_soon_args": Case("call_soon with 2 arguments", call_soon_args, 100_000),
    "call_soon_chain": Case("call_soon, one an iteration", call_soon_chain, 50_000),
    "switch": Case("sleep(0) switch", switch, 100_000),
    "spawn": Case("create_task + await", spawn, 30_000),
    "queue": Case("Queue round trip", queue, 20_000),
    "timer_cancel": Case("call_later + cancel", timer_cancel, 60_000),
    "timer_fire": Case("call_later, fired", timer_fire, 40_000),
    "threadsafe": Case(
        "call_soon_threadsafe from a thread", threadsafe, 50_000, time.perf_counter_ns
    ),
    "run_until_complete": Case("run_until_complete", run_until_complete, 10_000),
    "gather": Case("gather of 100", gather, 400),
}


def main() -> None:
    """Prints nanoseconds per operation, the best of some repeats, as one line of JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.micro_cases")
    parser.add_argument("--loop", required=True)
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--operations", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    case = CASES[options.case]
    operations = options.operations or case.operations
    loop = make_loop(options.loop)
    asyncio.set_event_loop(loop)
    best = 0
    for _ in range(options.repeats):
        before = case.clock()
        case.run(loop, operations)
        used = case.clock() - before
        best = min(best or used, used)
    loop.close()
    print(json.dumps({"ns": best / operations}))


if __name__ == "__main__":
    main()
