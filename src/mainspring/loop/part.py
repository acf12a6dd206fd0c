"""`Part`: what each part of the loop is to the type checker, and no class at all when it runs.

The parts are mixed into `Loop` and use what the compiled scheduler and their neighbours define. A
checker learns here what that is; at run time the base is `object`, so that the parts don't stand
between `Loop` and the scheduler a second time.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Part"]

if TYPE_CHECKING:
    import asyncio
    import socket
    from abc import abstractmethod
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

    from mainspring.loop.idle_thread import IdleThread
    from mainspring.loop.task_scheduler import TaskScheduler
    from mainspring.net.tls import SSLOptions

    class Part(TaskScheduler, asyncio.AbstractEventLoop):
        """A piece of a loop, among the others."""

        _blocking_watch: Any
        _current_handle: Any
        _default_executor: ThreadPoolExecutor | None
        _exception_handler: Callable[[Any, dict[str, Any]], object] | None
        _executor_shut: bool
        _idle_thread: IdleThread | None

        @abstractmethod
        def _begin_signals(self) -> int | None: ...
        @abstractmethod
        def _end_signals(self, previous: int) -> None: ...
        @abstractmethod
        def _close_signals(self) -> None: ...
        @abstractmethod
        def _begin_blocking_watch(self) -> Any: ...
        @abstractmethod
        def _end_blocking_watch(self) -> None: ...
        @abstractmethod
        def _forget_subprocesses(self) -> None: ...
        @abstractmethod
        def _future_of[T](
            self, source: Future[T], future: asyncio.Future[T] | None = None
        ) -> asyncio.Future[T]: ...
        @abstractmethod
        async def _open[P: asyncio.BaseProtocol](
            self,
            sock: socket.socket,
            protocol_factory: Callable[[], P],
            level: int,
            options: SSLOptions | None = None,
        ) -> tuple[asyncio.Transport, P]: ...

else:
    Part = object
