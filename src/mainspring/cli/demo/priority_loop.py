"""What the Mainspring ways share: a loop of ours, and busy work as idle callbacks.

Invariant: busy work goes to the loop as idle work only. By `call_idle` it is one chunk a
unit: the loop polls before each and serves whatever is ready first, and a chunk that has
begun runs to its end.
"""

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Protocol, cast

from mainspring.cli.demo.registry import needs
from mainspring.cli.demo.work import BusyWork

unavailable = needs("mainspring", "new_event_loop")


class IdleLoop(Protocol):
    """The part of Mainspring's loop that goes beyond asyncio's and that is used here."""

    def call_idle(
        self, callback: Callable[..., object], *args: object, timeout: float | None = None
    ) -> asyncio.Handle:
        """Run `callback` once when nothing else can run."""

    def run_idle(self, func: Callable[..., object], *args: object) -> asyncio.Future[Any]:
        """Run `func` in the idle thread, which gives way to the loop at once."""

    def create_task(self, coro: Coroutine[Any, Any, None], *, priority: int) -> asyncio.Task[None]:
        """Start a task with a priority."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new Mainspring loop (asyncio.AbstractEventLoop)."""
    # Imported when a way runs: where the loop isn't built the demo still lists its ways.
    return cast(asyncio.AbstractEventLoop, import_module("mainspring").new_event_loop())


def idle_priority() -> int:
    """Return Mainspring's Priority.IDLE (int)."""
    return cast(int, import_module("mainspring").Priority.IDLE)


def running_loop() -> IdleLoop:
    """Return the running loop, as one that knows idle work."""
    return cast(IdleLoop, asyncio.get_running_loop())


class IdleChunks:
    """Keeps one chunk of busy work waiting on a loop until it is stopped.

    Args:
        loop: the loop that runs the chunks.
        busy: the busy work.
    """

    def __init__(self, loop: IdleLoop, busy: BusyWork) -> None:
        self._loop = loop
        self._busy = busy
        self._handle = loop.call_idle(self._unit)

    def _unit(self) -> None:
        self._handle = self._loop.call_idle(self._unit)
        self._busy.chunk()

    def stop(self) -> None:
        """Take back the chunk that waits."""
        self._handle.cancel()
