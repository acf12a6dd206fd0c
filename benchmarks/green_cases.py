"""The microbenchmarks of green threads; as a program, runs one of them on one library.

The invariant is that of `micro_cases`: a case does exactly `operations` of what it is named after.
Each library is used as its own users would: the three differ in names only.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.proc import memory_bytes

SWITCHING_THREADS = 100


@dataclass(frozen=True)
class Library:
    """What the cases use of a library of green threads."""

    spawn: Callable[..., Any]
    join: Callable[[Any], None]
    sleep: Callable[[float], None]
    run: Callable[[Callable[[], None]], None]
    park: Callable[[], None]


def mainspring_library() -> Library:
    """Mainspring's green threads."""
    import asyncio

    import mainspring
    from mainspring.green import GreenThread, await_, sleep, spawn

    def park() -> None:
        await_(asyncio.get_running_loop().create_future())

    return Library(spawn, GreenThread.join, sleep, mainspring.run, park)


def gevent_library() -> Library:
    """Gevent's greenlets, on its default loop."""
    import gevent
    from gevent.event import Event

    return Library(
        gevent.spawn,
        gevent.Greenlet.join,
        gevent.sleep,
        lambda f: gevent.spawn(f).join(),
        lambda: Event().wait(),
    )


def eventlet_library() -> Library:
    """Eventlet's green threads, on its default hub."""
    import warnings

    warnings.simplefilter("ignore")
    import eventlet
    from eventlet.event import Event

    def run(function: Callable[[], None]) -> None:
        eventlet.spawn(function).wait()

    return Library(
        eventlet.spawn, lambda thread: thread.wait(), eventlet.sleep, run, lambda: Event().wait()
    )


LIBRARIES = {
    "mainspring": mainspring_library,
    "gevent": gevent_library,
    "eventlet": eventlet_library,
}


def _nothing() -> None:
    pass


def switch(library: Library, operations: int) -> float:
    """`sleep(0)` in one green thread: out to the loop and back."""
    sleep = library.sleep

    def main() -> None:
        for _ in range(operations):
            sleep(0)

    return _timed(library, main)


def switch_many(library: Library, operations: int) -> float:
    """`sleep(0)` in 100 green threads in turn."""
    sleep = library.sleep

    def work() -> None:
        for _ in range(operations // SWITCHING_THREADS):
            sleep(0)

    def main() -> None:
        for thread in [library.spawn(work) for _ in range(SWITCHING_THREADS)]:
            library.join(thread)

    return _timed(library, main)


def spawn(library: Library, operations: int) -> float:
    """A green thread started and joined, one at a time."""
    spawn, join = library.spawn, library.join

    def main() -> None:
        for _ in range(operations):
            join(spawn(_nothing))

    return _timed(library, main)


def spawn_many(library: Library, operations: int) -> float:
    """Green threads started 1,000 at a time, and joined."""
    spawn, join = library.spawn, library.join

    def main() -> None:
        for _ in range(operations // 1000):
            for thread in [spawn(_nothing) for _ in range(1000)]:
                join(thread)

    return _timed(library, main)


def done(library: Library, operations: int) -> float:
    """`await_` of a future that is done; Mainspring only."""
    import asyncio

    from mainspring.green import await_

    def main() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        for _ in range(operations):
            await_(future)

    return _timed(library, main)


def parked(library: Library, operations: int) -> float:
    """Bytes of resident memory for each green thread that waits. Ends the process."""

    def main() -> None:
        kept = [library.spawn(library.park) for _ in range(1000)]
        library.sleep(0)
        gc.collect()
        before = memory_bytes(os.getpid())["rss"]
        kept += [library.spawn(library.park) for _ in range(operations)]
        library.sleep(0)
        library.sleep(0)
        gc.collect()
        grown = (memory_bytes(os.getpid())["rss"] - before) / operations
        print(json.dumps({"value": grown}), flush=True)
        # Without ending tens of thousands of threads one by one.
        os._exit(0)

    library.run(main)
    raise AssertionError("unreachable")


def _timed(library: Library, main: Callable[[], None]) -> float:
    used = 0

    def timed() -> None:
        nonlocal used
        before = time.process_time_ns()
        main()
        used = time.process_time_ns() - before

    library.run(timed)
    return float(used)


@dataclass(frozen=True)
class Case:
    """One microbenchmark."""

    title: str
    run: Callable[[Library, int], float]
    operations: int
    libraries: tuple[str, ...] = tuple(LIBRARIES)
    unit: str = "ns"


CASES = {
    "switch": Case("sleep(0)", switch, 100_000),
    "switch_many": Case("sleep(0), 100 in turn", switch_many, 100_000),
    "spawn": Case("spawn + join", spawn, 30_000),
    "spawn_many": Case("spawn + join, 1,000 at a time", spawn_many, 30_000),
    "done": Case("await_ of a finished future", done, 300_000, ("mainspring",)),
    "parked": Case("bytes of one that waits", parked, 100_000, unit="bytes"),
}


def main() -> None:
    """Prints the best of some repeats, per operation, as one line of JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.green_cases")
    parser.add_argument("--library", choices=LIBRARIES, required=True)
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--operations", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    library = LIBRARIES[options.library]()
    if options.case is None:
        version = importlib.metadata.version(options.library)
        print(json.dumps({"version": version, "python": sys.version.split()[0]}))
        return
    case = CASES[options.case]
    operations = options.operations or case.operations
    best = min(case.run(library, operations) for _ in range(options.repeats))
    print(json.dumps({"value": best / operations}))


if __name__ == "__main__":
    main()
