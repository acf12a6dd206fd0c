"""`Loop`: asyncio's event loop interface, composed of what the other files of this folder hold."""

import asyncio
from typing import Any

from mainspring.core.clock import Clock
from mainspring.core.poller import Poller
from mainspring.core.watching import WatchScheduler
from mainspring.loop import tasks
from mainspring.loop.connections import Connections
from mainspring.loop.debug import Debug
from mainspring.loop.errors import Errors
from mainspring.loop.executor import Executor
from mainspring.loop.lifecycle import Lifecycle
from mainspring.loop.servers import Servers
from mainspring.loop.signals import Signals
from mainspring.loop.sockets import Sockets

__all__ = ["Loop", "new_event_loop"]


class Loop(
    Signals,
    Lifecycle,
    Errors,
    Debug,
    Executor,
    Sockets,
    Connections,
    Servers,
    WatchScheduler,
    asyncio.AbstractEventLoop,
):
    """A prioritised event loop with asyncio's interface.

    Parameters:
        poller: asks the system which fds are ready; epoll by default on Linux, else poll.
        clock: tells the time; the monotonic clock by default.
    """

    _task_factory: Any = None

    create_future = tasks.create_future
    create_task = tasks.create_task
    set_task_factory = tasks.set_task_factory
    get_task_factory = tasks.get_task_factory

    def __init__(self, *, poller: Poller | None = None, clock: Clock | None = None) -> None:
        super().__init__()


def new_event_loop() -> Loop:
    """Returns a new `Loop`: a factory for `asyncio.run(main(), loop_factory=...)` and the like."""
    return Loop()  # type: ignore[abstract]  # what is missing raises NotImplementedError
