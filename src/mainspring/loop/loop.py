"""`Loop`: asyncio's event loop interface, composed of what the other files of this folder hold."""

import asyncio
from typing import Any

from mainspring.core.clock import Clock
from mainspring.core.poller import Poller
from mainspring.loop import tasks
from mainspring.loop.connections import Connections
from mainspring.loop.datagrams import Datagrams
from mainspring.loop.debug import Debug
from mainspring.loop.errors import Errors
from mainspring.loop.executor import Executor
from mainspring.loop.idle import Idle
from mainspring.loop.lifecycle import Lifecycle
from mainspring.loop.pipes import Pipes
from mainspring.loop.sendfile import Sendfile
from mainspring.loop.servers import Servers
from mainspring.loop.signals import Signals
from mainspring.loop.slice_scheduler import SliceScheduler
from mainspring.loop.sockets import Sockets
from mainspring.loop.start_tls import StartTLS
from mainspring.loop.statistics import Statistics
from mainspring.loop.subprocesses import Subprocesses
from mainspring.loop.unix import Unix

__all__ = ["Loop", "new_event_loop"]


class Loop(
    Signals,
    Subprocesses,
    Lifecycle,
    Errors,
    Debug,
    Statistics,
    Executor,
    Idle,
    Sockets,
    Connections,
    Servers,
    Unix,
    Datagrams,
    Pipes,
    StartTLS,
    Sendfile,
    SliceScheduler,
    asyncio.AbstractEventLoop,
):
    """A prioritised event loop with asyncio's interface.

    Parameters:
        poller: asks the system which fds are ready; epoll by default on Linux, else poll.
        clock: tells the time; the monotonic clock by default.
    """

    # What the parts keep. Not in the instance's dictionary: while that doesn't exist, the
    # interpreter finds a loop's methods without a look into it (a task switch: 5,742 instructions
    # with it, 5,563 without).
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_asyncgens",
        "_asyncgens_shut",
        "_blocking_watch",
        "_close_callbacks",
        "_current_handle",
        "_default_executor",
        "_exception_handler",
        "_executor_shut",
        "_idle_thread",
        "_origin_tracking",
        "_signal_handlers",
        "_signal_pair",
        "_subprocesses",
        "_task_factory",
        "slow_callback_duration",
    )

    create_future = tasks.create_future
    create_task = tasks.create_task
    set_task_factory = tasks.set_task_factory
    get_task_factory = tasks.get_task_factory

    def __init__(self, *, poller: Poller | None = None, clock: Clock | None = None) -> None:
        self._task_factory: Any = None
        super().__init__()


def new_event_loop() -> Loop:
    """Returns a new `Loop`: a factory for `asyncio.run(main(), loop_factory=...)` and the like."""
    return Loop()
