"""Blocking calls in threads: `run_in_executor`, and name look-ups, which block in the C library."""

import asyncio
import concurrent.futures
import inspect
import socket
import threading
from asyncio.futures import _copy_future_state  # type: ignore[attr-defined]
from collections.abc import Callable
from concurrent.futures import Executor as FutureExecutor
from typing import TYPE_CHECKING, Any

from mainspring.core.priority import Priority, is_named
from mainspring.loop.home import call_at_home
from mainspring.loop.part import Part
from mainspring.net.dns import literal_addresses

if TYPE_CHECKING:
    # Its module can't be imported any more once the interpreter ends, and this one can.
    from concurrent.futures import ThreadPoolExecutor


class Executor(Part):
    """The executors of a loop."""

    def run_in_executor[*Ts, T](
        self, executor: FutureExecutor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Runs a blocking function in an executor.

        Parameters:
            executor: a `concurrent.futures.Executor`; None for the loop's own threads.
            func: a plain function, called with `args`.

        Returns:
            A future of its result. Whoever waits for it is woken at its own priority, whatever
            else is queued: the result is handed over ahead of everything.

        Raises:
            RuntimeError: the loop is closed, or its own threads were shut down.
            TypeError: `func` is a coroutine function or can't be called.
        """
        self._check_closed()
        if self.get_debug():
            self._check_plain_function(func, "run_in_executor")
        if not callable(func):
            raise TypeError(f"a callable object was expected by run_in_executor(), got {func!r}")
        if executor is None:
            executor = self._own_executor()
        source: Any
        if isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            source = executor.submit(call_at_home, self, func, args)
        else:
            source = executor.submit(func, *args)
        if not isinstance(source, concurrent.futures.Future):
            # From an executor that isn't of this library, and that knows best.
            return asyncio.wrap_future(source, loop=self)
        return self._future_of(source)

    def _future_of[T](
        self, source: concurrent.futures.Future[T], future: asyncio.Future[T] | None = None
    ) -> asyncio.Future[T]:
        """Returns a future of the loop that ends with another thread's, and cancels it."""
        if future is None:
            future = self.create_future()

        def cancel(future: asyncio.Future[T]) -> None:
            if future.cancelled():
                source.cancel()

        def hand_over(source: concurrent.futures.Future[T]) -> None:
            if self.is_closed():
                return
            # A backlog of DEFAULT work must not come between a HIGH task and its result. As long
            # as nobody named a priority the order is asyncio's.
            priority = Priority.URGENT if is_named() else None
            self.call_soon_threadsafe(_copy_future_state, source, future, priority=priority)

        future.add_done_callback(cancel)
        source.add_done_callback(hand_over)
        return future

    def set_default_executor(
        self,
        executor: "ThreadPoolExecutor",  # type: ignore[override]  # asyncio refuses others, too
    ) -> None:
        """Sets the threads that `run_in_executor(None, ...)` and `to_thread` use.

        Raises:
            TypeError: it is not a `ThreadPoolExecutor`.
        """
        if not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            raise TypeError(f"executor must be a ThreadPoolExecutor instance, not {executor!r}")
        self._default_executor = executor

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Waits for the loop's own threads, the idle one too, to end, and lets no new work in.

        Parameters:
            timeout: seconds to wait; None to wait for ever. A warning follows when they pass.
        """
        self._executor_shut = True
        executors = [
            executor for executor in (self._default_executor, self._idle_thread) if executor
        ]
        if not executors:
            return
        future = self.create_future()
        thread = threading.Thread(target=self._shut_executors_down, args=(executors, future))
        thread.start()
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            import warnings

            warnings.warn(
                f"The executor did not finishing joining its threads within {timeout} seconds.",
                RuntimeWarning,
                stacklevel=2,
            )
            for executor in executors:
                executor.shutdown(wait=False)
        else:
            thread.join()

    def _own_executor(self) -> "ThreadPoolExecutor":
        if self._executor_shut:
            raise RuntimeError("Executor shutdown has been called")
        if self._default_executor is None:
            self._default_executor = concurrent.futures.ThreadPoolExecutor(
                thread_name_prefix="asyncio"
            )
        return self._default_executor

    def _shut_executors_down(self, executors: list[Any], future: asyncio.Future[None]) -> None:
        try:
            for executor in executors:
                executor.shutdown(wait=True)
        except Exception as exc:
            if not self.is_closed():
                self.call_soon_threadsafe(_set_unless_done, future, exc)
        else:
            if not self.is_closed():
                self.call_soon_threadsafe(_set_unless_done, future, None)

    async def getaddrinfo(
        self,
        host: str | bytes | None,
        port: str | bytes | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Looks a host up in a thread, or at once where it is a literal address.

        Parameters and result are those of `socket.getaddrinfo`.

        Raises:
            OSError: the look-up failed (`socket.gaierror`).
        """
        look_up = self._lookup("getaddrinfo")
        known = literal_addresses(host, port, family, type, proto, flags, look_up)
        if known is not None:
            return known
        return await self.run_in_executor(None, look_up, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: tuple[Any, ...], flags: int = 0) -> tuple[str, str]:
        """Looks an address's names up in a thread, or at once where only numbers are wanted.

        Parameters and result are those of `socket.getnameinfo`.

        Raises:
            OSError: the look-up failed (`socket.gaierror`).
        """
        numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        look_up = self._lookup("getnameinfo")
        if flags & numeric == numeric:
            names: tuple[str, str] = look_up(sockaddr, flags)
            return names
        return await self.run_in_executor(None, look_up, sockaddr, flags)

    def _lookup(self, name: str) -> Callable[..., Any]:
        """Returns the function of `socket` that looks a name up; what blocks is for a thread."""
        function: Callable[..., Any] = getattr(socket, name)
        return function

    def _check_plain_function(self, func: object, method: str) -> None:
        if asyncio.iscoroutine(func) or inspect.iscoroutinefunction(func):
            raise TypeError(
                f"coroutines cannot be used with {method}(), got {func!r}; await it instead"
            )


def _set_unless_done(future: asyncio.Future[None], exc: Exception | None) -> None:
    if future.done():
        return
    if exc is None:
        future.set_result(None)
    else:
        future.set_exception(exc)
