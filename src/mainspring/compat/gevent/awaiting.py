"""gevent's greenlets and coroutines wait for one another, on the loop of the hub they share.

What is waited for keeps the loop going, so nobody is told that an operation would block for ever
while a coroutine still works for it. Cancelling passes on in both directions: a greenlet that is
killed or timed out cancels what it waits for; a future that is cancelled kills its greenlet.
`mainspring.await_` is `wait_for_awaitable` in a greenlet, and so the primitives of
`mainspring.sync` serve there, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gevent import Greenlet, GreenletExit, config, get_hub, getcurrent
from gevent._hub_local import get_hub_if_exists
from gevent.hub import Waiter

from mainspring.compat.gevent.loop import Loop
from mainspring.compat.gevent.running import HubLoop
from mainspring.green.foreign import add_greenlets

__all__ = ["as_future", "get_event_loop", "wait_for_awaitable"]


def get_event_loop() -> HubLoop:
    """Returns the asyncio loop that this thread's greenlets run on, whether it runs yet or not.

    Raises:
        RuntimeError: gevent runs on another loop than ours.
    """
    return _gevent_loop().event_loop


def wait_for_awaitable[T](awaitable: Awaitable[T]) -> T:
    """Has the current greenlet wait for a coroutine, a future or anything else awaitable.

    A coroutine becomes a task of the hub's loop, in a copy of the greenlet's context.

    Parameters:
        awaitable: what to wait for.

    Returns:
        Its result.

    Raises:
        BaseException: what it raises. What is thrown into the waiting greenlet, such as a
            `gevent.Timeout`, cancels it first.
        RuntimeError: gevent runs on another loop than ours.
    """
    loop = _gevent_loop()
    future = asyncio.ensure_future(awaitable, loop=loop.event_loop)
    if future.done():
        return future.result()
    waiter = Waiter()
    future.add_done_callback(waiter.switch)
    loop.ref()
    try:
        waiter.get()
    except BaseException:
        future.remove_done_callback(waiter.switch)
        future.cancel()
        raise
    finally:
        loop.unref()
    return future.result()


def as_future(greenlet: Greenlet) -> asyncio.Future[Any]:
    """Returns a future of what a greenlet returns or raises, for coroutines to await.

    A greenlet that is killed cancels the future, and a future that is cancelled kills the greenlet.

    Parameters:
        greenlet: a `gevent.Greenlet` of this thread; it must have been started, or be so soon.

    Raises:
        RuntimeError: gevent runs on another loop than ours.
    """
    future: asyncio.Future[Any] = _gevent_loop().event_loop.create_future()

    def finish(greenlet: Greenlet) -> None:
        if future.done():
            return
        if not greenlet.successful():
            future.set_exception(_settable(greenlet.exception))
        elif isinstance(greenlet.value, GreenletExit):
            future.cancel()
        else:
            future.set_result(greenlet.value)

    def kill_if_cancelled(future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            greenlet.kill(block=False)

    greenlet.rawlink(finish)
    future.add_done_callback(kill_if_cancelled)
    return future


def _find_wait() -> Callable[[Any], Any] | None:
    hub = get_hub_if_exists()
    if hub is None or hub is getcurrent() or not isinstance(hub.loop, Loop):
        return None
    is_ours = asyncio._get_running_loop() in (None, hub.loop.event_loop)
    return wait_for_awaitable if is_ours else None


def _settable(exc: BaseException) -> BaseException:
    if not isinstance(exc, StopIteration):
        return exc
    # asyncio refuses it, because in a coroutine it would pass for a return.
    wrapped = RuntimeError("the greenlet raised StopIteration")
    wrapped.__cause__ = exc
    return wrapped


def _gevent_loop() -> Loop:
    loop = get_hub().loop
    if not isinstance(loop, Loop):
        raise RuntimeError(
            f"gevent runs on {config.loop!r}, on which no coroutine can run; "
            f"set GEVENT_LOOP=mainspring.compat.gevent.Loop before the program starts"
        )
    return loop


add_greenlets(_find_wait)
