"""Waiting for several at once: `wait`, `iwait`, `joinall`, `killall`."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from mainspring.green.errors import GreenletExit
from mainspring.green.thread import GreenThread
from mainspring.green.waiting import await_

__all__ = ["iwait", "joinall", "killall", "wait"]


def wait(
    objects: Iterable[Any], timeout: float | None = None, count: int | None = None
) -> list[Any]:
    """Waits for futures, tasks and green threads; those that haven't ended go on.

    Parameters:
        objects: what to wait for.
        timeout: seconds to wait at most; None to wait for ever.
        count: how many of them are enough; None for all.

    Returns:
        Those that have ended, in the order in which they did.
    """
    return list(iwait(objects, timeout, count))


def iwait(
    objects: Iterable[Any], timeout: float | None = None, count: int | None = None
) -> Iterator[Any]:
    """Waits for futures, tasks and green threads one by one.

    Parameters:
        objects: what to wait for.
        timeout: seconds for all of them together; None to wait for ever.
        count: how many of them are enough; None for all.

    Yields:
        Each as it ends.
    """
    # In order, and each once.
    waiting = list(dict.fromkeys(objects))
    left = len(waiting) if count is None else min(count, len(waiting))
    if left <= 0:
        return
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    ended: asyncio.Queue[Any] = asyncio.Queue()
    for one in waiting:
        one.add_done_callback(ended.put_nowait)
    try:
        for _ in range(left):
            try:
                one = await_(_next_of(ended, deadline))
            except TimeoutError:
                return
            yield one
    finally:
        for one in waiting:
            one.remove_done_callback(ended.put_nowait)


async def _next_of(ended: asyncio.Queue[Any], deadline: float | None) -> Any:
    async with asyncio.timeout_at(deadline):
        return await ended.get()


def joinall(
    threads: Iterable[Any],
    timeout: float | None = None,
    raise_error: bool = False,
    count: int | None = None,
) -> list[Any]:
    """Waits until green threads have ended.

    Parameters:
        threads: the green threads, or other futures.
        timeout: seconds to wait at most; None to wait for ever.
        raise_error: True to raise what the first that fails has raised.
        count: how many of them are enough; None for all.

    Returns:
        Those that have ended.
    """
    done = []
    for thread in iwait(threads, timeout, count):
        if raise_error:
            thread.result()
        done.append(thread)
    return done


def killall(
    threads: Iterable[GreenThread[Any]],
    exception: BaseException | type[BaseException] = GreenletExit,
    block: bool = True,
    timeout: float | None = None,
) -> None:
    """Raises an exception in green threads where they wait.

    Parameters:
        threads: the green threads.
        exception: what to raise, an exception or its type.
        block: True to wait until all have ended.
        timeout: seconds to wait at most.
    """
    threads = list(threads)
    for thread in threads:
        if thread is not asyncio.current_task():
            thread.kill(exception, block=False)
    if block:
        wait([thread for thread in threads if thread is not asyncio.current_task()], timeout)
