"""What a server's process does beside the echo, and how much of it: runs in the server.

Each part of the work counts its units in a slot of its own in shared memory, where the runner
reads them at any moment: a question would be answered only when the loop gets to it, which is the
very thing that is measured. The invariant: a unit is the same piece of Python on every loop of a
run (the runner finds out once how far it counts), and a part says how it runs on this loop. Those
that have no idle work do it in the way that they have: tasks, `call_soon`, `to_thread`.
"""

import asyncio
import json
import mmap
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOTS = 16
SLOT_BYTES = 8
UNIT_SECONDS = 50e-6
TASKS = 1_000
CALLS = 10_000
JSON_BYTES = 10_000_000
LOW = 1


def spin(count: int) -> None:
    """Counts to `count` in pure Python, which is a unit of work."""
    i = 0
    while i < count:
        i += 1


def open_counters(path: str | Path) -> memoryview:
    """Returns the counters, one 64-bit integer for each part, shared with whoever opens the file.

    Args:
        path: a file of `SLOTS * SLOT_BYTES` bytes.
    """
    with open(path, "r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), SLOTS * SLOT_BYTES)).cast("q")


@dataclass
class Beside:
    """The work beside the echo.

    Attributes:
        loop: the loop that it runs on, or beside.
        units: the counters.
        count: how far a unit counts.
        nice: the niceness of the threads of `to_thread`.
        kept: what must not be collected while it runs.
    """

    loop: asyncio.AbstractEventLoop
    units: memoryview
    count: int
    nice: int = 0
    kept: list[object] = field(default_factory=list)

    def start(self, parts: Sequence[str]) -> list[str]:
        """Starts the parts; called in the running loop.

        Args:
            parts: names out of `PARTS`, each as often as it is to run.

        Returns:
            How each runs on this loop.
        """
        return [PARTS[part](self, slot) for slot, part in enumerate(parts)]

    def keep(self, work: Awaitable[Any]) -> None:
        """Holds on to work that runs until the process ends, and shows an error that ends it."""
        future = asyncio.ensure_future(work)
        future.add_done_callback(lambda done: done.result())
        self.kept.append(future)

    def busy(self, slot: int) -> None:
        """Is busy for ever."""
        while True:
            spin(self.count)
            self.units[slot] += 1

    def in_thread(self, slot: int) -> None:
        """Is busy for ever, as an ordinary thread with the niceness that is asked for."""
        if self.nice:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.nice)
        self.busy(slot)

    def encode(self, slot: int) -> None:
        """Encodes ten megabytes in one call of C, again and again."""
        item = {"name": "mainspring", "numbers": list(range(20)), "nested": {"key": None}}
        data = [item] * (JSON_BYTES // len(json.dumps(item)))
        while True:
            json.dumps(data)
            self.units[slot] += 1


def tasks(beside: Beside, slot: int) -> str:
    """A thousand tasks, each a unit at a time."""

    async def work() -> None:
        while True:
            spin(beside.count)
            beside.units[slot] += 1
            await asyncio.sleep(0)

    create: Callable[..., asyncio.Task[None]] = beside.loop.create_task
    levels = hasattr(beside.loop, "call_idle")
    options = {"priority": LOW} if levels else {}
    for _ in range(TASKS):
        beside.keep(create(work(), **options))
    return f"{TASKS:,} tasks at LOW" if levels else f"{TASKS:,} tasks"


def calls(beside: Beside, slot: int) -> str:
    """Ten thousand queued calls, each of which does a unit and queues itself again."""
    queue: Callable[[Callable[[], None]], object] = getattr(
        beside.loop, "call_idle", beside.loop.call_soon
    )

    def unit() -> None:
        queue(unit)
        spin(beside.count)
        beside.units[slot] += 1

    for _ in range(CALLS):
        queue(unit)
    return f"{CALLS:,} x {queue.__name__}"


def _idle(beside: Beside, function: Callable[[int], None], slot: int) -> str:
    run: Callable[..., Awaitable[None]] | None = getattr(beside.loop, "run_idle", None)
    if run is None:
        beside.keep(asyncio.to_thread(function, slot))
        return "to_thread"
    beside.keep(run(function, slot))
    return "run_idle"


def idle(beside: Beside, slot: int) -> str:
    """A busy function in the loop's idle thread."""
    return _idle(beside, beside.busy, slot)


def encode(beside: Beside, slot: int) -> str:
    """A function in the idle thread that makes one long call of C after the other."""
    return f"json.dumps in {_idle(beside, beside.encode, slot)}"


def thread(beside: Beside, slot: int) -> str:
    """A busy function in `to_thread`."""
    beside.keep(asyncio.to_thread(beside.in_thread, slot))
    return "to_thread"


def trips(beside: Beside, slot: int) -> str:
    """Calls in `to_thread` that do nothing, one after the other; a unit is the way and back."""

    async def work() -> None:
        while True:
            await asyncio.to_thread(int)
            beside.units[slot] += 1

    beside.keep(beside.loop.create_task(work()))
    return "to_thread(int)"


PARTS: dict[str, Callable[[Beside, int], str]] = {
    "tasks": tasks,
    "calls": calls,
    "idle": idle,
    "json": encode,
    "thread": thread,
    "trips": trips,
}
