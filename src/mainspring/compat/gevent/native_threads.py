"""`NativeThreads`: threads of the system's for asyncio's blocking calls, whatever is patched.

Where gevent has patched `threading`, an executor's threads are greenlets, and one can't be started
from within a callback of the loop. So these are made of the originals. They serve as long as the
process lives, as gevent's own thread pool's do, and don't keep it from ending.
"""

import _queue
import asyncio
import os
from collections.abc import Callable
from typing import Any

from gevent.monkey import get_original

__all__ = ["NativeThreads"]

_start_thread = get_original("_thread", "start_new_thread")

type _Job = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class NativeThreads:
    """The threads of one loop.

    Parameters:
        loop: the loop whose futures are to be told of the results.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # `queue.SimpleQueue` may be gevent's; this one blocks the thread.
        self._jobs: _queue.SimpleQueue[_Job | None] = _queue.SimpleQueue()
        self._threads = 0
        self._busy = 0
        # As many as asyncio has.
        self._most = min(32, (os.cpu_count() or 1) + 4)

    def run(self, func: Callable[..., Any], args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Runs a function in a thread; returns the future of its result."""
        future = self._loop.create_future()
        self._busy += 1
        if self._busy > self._threads < self._most:
            self._threads += 1
            _start_thread(self._work, ())
        self._jobs.put((future, func, args))
        return future

    def shutdown(self) -> None:
        """Ends the threads after what is queued."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, func, args = job
            result, error = None, None
            if not future.cancelled():
                try:
                    result = func(*args)
                except BaseException as exc:
                    error = exc
            try:
                self._loop.call_soon_threadsafe(self._hand_over, future, result, error)
            except RuntimeError:
                # The loop is closed, and nobody waits.
                return
            # Until the next job comes nothing of this one is to be kept alive.
            del job, future, func, args, result, error

    def _hand_over(
        self, future: asyncio.Future[Any], result: object, error: BaseException | None
    ) -> None:
        self._busy -= 1
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
