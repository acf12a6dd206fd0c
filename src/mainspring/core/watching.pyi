# `WatchScheduler` has the methods of its bases here too: no Python code imports those.

import asyncio
import socket
from collections.abc import Callable
from contextvars import Context
from typing import Any, Self

from _typeshed import FileDescriptorLike

from mainspring.core.clock import Clock
from mainspring.core.gate import Gate
from mainspring.core.poller import Poller
from mainspring.core.priority import Priority
from mainspring.core.runnable import Runnable

class CallbackWatcher(Runnable): ...

class KeptWatcher(CallbackWatcher):
    def release(self) -> None: ...

class WatchScheduler:
    # Any arguments, for a subclass's `__init__`.
    def __new__(
        cls, *args: Any, poller: Poller | None = None, clock: Clock | None = None, **kwargs: Any
    ) -> Self: ...
    @property
    def is_debug(self) -> bool: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def _thread_id(self) -> int | None: ...

    # Callbacks.
    def call_soon[*Ts](
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
        priority: Priority | int | None = None,
    ) -> asyncio.Handle: ...
    def call_soon_threadsafe[*Ts](
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
        priority: Priority | int | None = None,
    ) -> asyncio.Handle: ...
    def call_later[*Ts](
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
        priority: Priority | int | None = None,
    ) -> asyncio.TimerHandle: ...
    def call_at[*Ts](
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
        priority: Priority | int | None = None,
    ) -> asyncio.TimerHandle: ...
    def call_idle[*Ts](
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> asyncio.Handle: ...

    # State.
    def time(self) -> float: ...
    def stop(self) -> None: ...
    def is_closed(self) -> bool: ...
    def is_running(self) -> bool: ...
    def set_debug(self, enabled: bool) -> None: ...
    def get_debug(self) -> bool: ...

    # File descriptors.
    def add_reader[*Ts](
        self,
        fd: FileDescriptorLike,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        priority: Priority | int | None = None,
    ) -> None: ...
    def add_writer[*Ts](
        self,
        fd: FileDescriptorLike,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        priority: Priority | int | None = None,
    ) -> None: ...
    def remove_reader(self, fd: FileDescriptorLike) -> bool: ...
    def remove_writer(self, fd: FileDescriptorLike) -> bool: ...

    # For the parts of the loop.
    def _run_iterations(self) -> None: ...
    def _run_iteration(self, may_sleep: bool) -> None: ...
    def _begin_running(self) -> None: ...
    def _end_running(self) -> None: ...
    def _shut(self) -> None: ...
    def _check_closed(self) -> None: ...
    def _check_thread(self) -> None: ...
    def _after_fork(self) -> None: ...
    def _watch[*Ts](
        self, fd: int, is_write: bool, callback: Callable[[*Ts], object], *args: *Ts
    ) -> CallbackWatcher: ...
    def _find_kept(self, sock: socket.socket) -> KeptWatcher | None: ...
    def _watch_and_keep[*Ts](
        self,
        kept: KeptWatcher | None,
        sock: socket.socket,
        callback: Callable[[KeptWatcher, *Ts], object],
        *args: *Ts,
    ) -> KeptWatcher: ...
    def _watch_signals(self, fd: int) -> None: ...
    def _unwatch_signals(self, fd: int) -> None: ...

def fileno_of(fileobj: FileDescriptorLike) -> int: ...
def number_of(fileobj: FileDescriptorLike) -> int: ...
