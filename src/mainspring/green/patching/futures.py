"""What waits for the futures and the end of executors, in a green thread, waits greenly.

`concurrent.futures` itself goes on with the originals, and its workers are OS threads. So a green
thread waits for them through the loop; everything else waits as it always did.
"""

import asyncio
import collections
import functools
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent import futures
from typing import Any

from mainspring.green.call import current
from mainspring.green.waiting import await_

__all__ = ["install", "remove"]

_Future = futures.Future[Any]

_result = futures.Future.result
_exception = futures.Future.exception
_wait = futures.wait
_as_completed = futures.as_completed
_shutdowns: dict[type, Callable[..., Any]] = {}


class _Ends:
    """Futures as they end, for one green thread that waits for them; it cancels none of them."""

    def __init__(self, fs: Iterable[_Future]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: collections.deque[_Future] = collections.deque()
        self._waiter: asyncio.Future[None] | None = None
        for future in fs:
            future.add_done_callback(self._tell)

    def next(self, timeout: float | None) -> _Future | None:
        """Returns the next that has ended, and waits for it; None when the time is over first."""
        if not self._ended:
            self._waiter = self._loop.create_future()
            timer = None
            if timeout is not None:
                timer = self._loop.call_later(timeout, _set_unless_done, self._waiter)
            try:
                await_(self._waiter)
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        return self._ended.popleft() if self._ended else None

    def _tell(self, future: _Future) -> None:
        # Whoever ends a future calls this, in any thread.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrive, future)

    def _arrive(self, future: _Future) -> None:
        self._ended.append(future)
        if self._waiter is not None:
            _set_unless_done(self._waiter)


def _set_unless_done(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@functools.wraps(_result)
def _green_result(self: _Future, timeout: float | None = None) -> Any:
    if current() is None or self.done():
        return _result(self, timeout)
    _Ends([self]).next(timeout)
    # Without a timeout a future that hasn't ended would block.
    return _result(self, 0)


@functools.wraps(_exception)
def _green_exception(self: _Future, timeout: float | None = None) -> BaseException | None:
    if current() is None or self.done():
        return _exception(self, timeout)
    _Ends([self]).next(timeout)
    return _exception(self, 0)


@functools.wraps(_wait)
def _green_wait(
    fs: Iterable[_Future], timeout: float | None = None, return_when: str = futures.ALL_COMPLETED
) -> Any:
    if current() is None:
        return _wait(fs, timeout, return_when)
    waited_for = set(fs)
    for future in _as_they_end(waited_for, timeout):
        if return_when == futures.FIRST_COMPLETED:
            break
        has_failed = not future.cancelled() and _exception(future, 0) is not None
        if return_when == futures.FIRST_EXCEPTION and has_failed:
            break
    return _wait(waited_for, 0, return_when)


def _as_they_end(fs: set[_Future], timeout: float | None) -> Generator[_Future, None, None]:
    """Yields futures as they end, those that have ended first, until the time is over."""
    clock = asyncio.get_running_loop().time
    end = None if timeout is None else clock() + timeout
    done = {future for future in fs if future.done()}
    yield from done
    ends = _Ends(fs - done)
    for _ in range(len(fs) - len(done)):
        found = ends.next(None if end is None else max(end - clock(), 0))
        if found is None:
            return
        yield found


@functools.wraps(_as_completed)
def _green_as_completed(
    fs: Iterable[_Future], timeout: float | None = None
) -> Generator[_Future, None, None]:
    if current() is None:
        yield from _as_completed(fs, timeout)
        return
    waited_for = set(fs)
    unfinished = len(waited_for)
    for future in _as_they_end(waited_for, timeout):
        unfinished -= 1
        yield future
    if unfinished:
        raise TimeoutError(f"{unfinished} (of {len(waited_for)}) futures unfinished")


def _green_shutdown(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        original(self, wait and current() is None, cancel_futures=cancel_futures)
        if wait and current() is not None:
            # It joins threads: one of its own does that meanwhile.
            joined: _Future = futures.Future()
            thread = threading.Thread(target=_call, args=(joined, original, self), daemon=True)
            thread.start()
            _Ends([joined]).next(None)
            joined.result()

    return shutdown


def _call(answer: _Future, original: Callable[..., None], executor: Any) -> None:
    try:
        original(executor, True)
    except BaseException as exc:
        answer.set_exception(exc)
    else:
        answer.set_result(None)


def install() -> None:
    """Has waiting in green threads go through the loop."""
    if futures.Future.result is _green_result:
        return
    futures.Future.result = _green_result  # type: ignore[method-assign]
    futures.Future.exception = _green_exception  # type: ignore[method-assign]
    for module in (futures, futures._base):
        module.wait = _green_wait  # type: ignore[attr-defined]
        module.as_completed = _green_as_completed  # type: ignore[attr-defined]
    kind: Any = futures.ThreadPoolExecutor
    _shutdowns[kind] = kind.shutdown
    kind.shutdown = _green_shutdown(kind.shutdown)


def remove() -> None:
    """Undoes `install`."""
    if futures.Future.result is not _green_result:
        return
    futures.Future.result = _result  # type: ignore[method-assign]
    futures.Future.exception = _exception  # type: ignore[method-assign]
    for module in (futures, futures._base):
        module.wait = _wait  # type: ignore[attr-defined]
        module.as_completed = _as_completed  # type: ignore[attr-defined]
    while _shutdowns:
        kind, original = _shutdowns.popitem()
        kind.shutdown = original  # type: ignore[attr-defined]
