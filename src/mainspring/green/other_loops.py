"""Waiting for an fd on a loop that isn't ours, through its `add_reader` and `add_writer`.

Such a loop knows one reader and one writer for each fd, so those who wait for the same share one.
"""

import asyncio
import os
import weakref
from errno import EBADF

from mainspring.green.waiting import await_

__all__ = ["close_on_other_loops", "wait_on_other_loop"]

READ = 1

Waiters = dict[tuple[int, int], list[asyncio.Future[bool]]]

_waiters: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Waiters]"
_waiters = weakref.WeakKeyDictionary()


def wait_on_other_loop(
    loop: asyncio.AbstractEventLoop, fd: int, interest: int, timeout: float
) -> bool:
    """Has the current green call wait until an fd is ready; see `wait_for_fd`.

    Parameters:
        loop: the loop that runs here.
        fd: the fd.
        interest: 1 to read, 2 to write.
        timeout: seconds; negative for none.

    Returns:
        True when it is ready, False when the time is over.
    """
    waiters = _waiters.setdefault(loop, {})
    key = fd, interest
    future: asyncio.Future[bool] = loop.create_future()
    if key not in waiters:
        add = loop.add_reader if interest == READ else loop.add_writer
        add(fd, _end_all, waiters, key)
        waiters[key] = []
    waiters[key].append(future)
    timer = loop.call_later(timeout, _end, future, False) if timeout >= 0 else None
    try:
        return await_(future)
    finally:
        if timer is not None:
            timer.cancel()
        _forget(loop, waiters, key, future)


def close_on_other_loops(fd: int) -> None:
    """Tells whoever waits for an fd on such a loop that it is about to be closed.

    Parameters:
        fd: the fd.
    """
    for loop, waiters in list(_waiters.items()):
        found = [key for key in list(waiters) if key[0] == fd]
        if not found or loop.is_closed():
            continue
        if asyncio._get_running_loop() is loop:
            _close(loop, waiters, found)
        else:
            loop.call_soon_threadsafe(_close, loop, waiters, found)


def _close(loop: asyncio.AbstractEventLoop, waiters: Waiters, keys: list[tuple[int, int]]) -> None:
    for key in keys:
        for future in list(waiters.get(key, ())):
            if not future.done():
                future.set_exception(OSError(EBADF, os.strerror(EBADF)))
            _forget(loop, waiters, key, future)


def _end_all(waiters: Waiters, key: tuple[int, int]) -> None:
    for future in waiters.get(key, ()):
        _end(future, True)


def _end(future: asyncio.Future[bool], is_ready: bool) -> None:
    if not future.done():
        future.set_result(is_ready)


def _forget(
    loop: asyncio.AbstractEventLoop,
    waiters: Waiters,
    key: tuple[int, int],
    future: asyncio.Future[bool],
) -> None:
    waiting = waiters.get(key, [])
    if future in waiting:
        waiting.remove(future)
        if not waiting:
            del waiters[key]
            remove = loop.remove_reader if key[1] == READ else loop.remove_writer
            remove(key[0])
