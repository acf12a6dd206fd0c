"""`Group` and `Pool`: green threads that are waited for, and killed, together."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mainspring.green.calls import spawn
from mainspring.green.errors import GreenletExit
from mainspring.green.joining import joinall, killall
from mainspring.green.thread import GreenThread
from mainspring.green.waiting import await_

__all__ = ["Group", "Pool"]


class Group:
    """A set of green threads; each leaves it when it has ended.

    Parameters:
        threads: green threads to begin with.
    """

    def __init__(self, threads: Iterable[GreenThread[Any]] = ()) -> None:
        self._threads: dict[GreenThread[Any], None] = {}
        for thread in threads:
            self.add(thread)

    def __len__(self) -> int:
        return len(self._threads)

    def __contains__(self, thread: object) -> bool:
        return thread in self._threads

    def __iter__(self) -> Iterator[GreenThread[Any]]:
        return iter(list(self._threads))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} at {id(self):#x}>"

    def add(self, thread: GreenThread[Any]) -> None:
        """Takes a green thread in."""
        self._threads[thread] = None
        thread.add_done_callback(self.discard)

    def discard(self, thread: GreenThread[Any]) -> None:
        """Lets a green thread go; does nothing if it isn't here."""
        if thread in self._threads:
            del self._threads[thread]
            thread.remove_done_callback(self.discard)

    def spawn(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> GreenThread[Any]:
        """Starts a green thread of this group; see `spawn`."""
        thread = spawn(function, *args, **kwargs)
        self.add(thread)
        return thread

    def join(self, timeout: float | None = None, raise_error: bool = False) -> bool:
        """Waits until the group is empty.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.
            raise_error: True to raise what the first that fails has raised.

        Returns:
            True if it is empty.
        """
        if timeout is None:
            # Those, too, that come while this waits.
            while self._threads:
                joinall(self, raise_error=raise_error)
            return True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self._threads and (left := deadline - loop.time()) > 0:
            joinall(self, left, raise_error)
        return not self._threads

    def kill(
        self,
        exception: BaseException | type[BaseException] = GreenletExit,
        block: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Kills all green threads of the group; see `GreenThread.kill`."""
        killall(self, exception, block, timeout)

    def apply(
        self,
        function: Callable[..., Any],
        args: Iterable[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Calls a function in a green thread of the group, and returns what it returns."""
        return self.spawn(function, *args, **kwargs or {}).get()

    def map(self, function: Callable[..., Any], iterable: Iterable[Any]) -> list[Any]:
        """Returns what a function returns for each item; the calls run side by side."""
        return list(self.imap(function, iterable))

    def imap(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """Yields what a function returns for each item, in the items' order."""
        threads = [self.spawn(function, *items) for items in zip(*iterables, strict=False)]
        for thread in threads:
            yield thread.get()

    def imap_unordered(
        self, function: Callable[..., Any], *iterables: Iterable[Any]
    ) -> Iterator[Any]:
        """Yields what a function returns for each item, as the calls end."""
        ended: asyncio.Queue[Any] = asyncio.Queue()
        started = 0
        for items in zip(*iterables, strict=False):
            self.spawn(function, *items).add_done_callback(ended.put_nowait)
            started += 1
        for _ in range(started):
            yield await_(ended.get()).result()


class Pool(Group):
    """A group of so many green threads at most: `spawn` waits for room.

    Parameters:
        size: how many; None for no bound.
    """

    def __init__(self, size: int | None = None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"a pool needs room for one green thread at least, got {size!r}")
        super().__init__()
        self.size = size
        self._room = None if size is None else asyncio.Semaphore(size)

    def spawn(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> GreenThread[Any]:
        """Waits for room, and starts a green thread; see `spawn`."""
        if self._room is None:
            return super().spawn(function, *args, **kwargs)
        await_(self._room.acquire())
        try:
            return super().spawn(function, *args, **kwargs)
        except BaseException:
            self._room.release()
            raise

    def discard(self, thread: GreenThread[Any]) -> None:
        """Lets a green thread go, and another in."""
        if thread in self and self._room is not None:
            self._room.release()
        super().discard(thread)

    def free_count(self) -> float:
        """Returns how many green threads there is room for; infinity without a bound."""
        return float("inf") if self.size is None else self.size - len(self)

    def full(self) -> bool:
        """Returns True when `spawn` would wait."""
        return self._room is not None and self._room.locked()

    def wait_available(self, timeout: float | None = None) -> bool:
        """Waits for room without taking it.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.

        Returns:
            True if there is room.
        """
        if self._room is None:
            return True
        try:
            await_(asyncio.wait_for(self._room.acquire(), timeout))
        except TimeoutError:
            return False
        self._room.release()
        return True
