"""The slice of what runs: how long it may go on, and how to give way in between."""

import types
from asyncio import events
from collections.abc import Generator

from mainspring.loop.slice_scheduler import SliceScheduler

__all__ = ["checkpoint", "should_yield", "time_remaining"]


async def checkpoint() -> None:
    """Lets others run if it is time: `should_yield()`. Otherwise it goes on at once.

    Whoever has yielded goes on before what has come to its own level since its slice began, and
    after what stood there before. Cancellation arrives here only when it yields.

    Raises:
        RuntimeError: no loop of ours runs in this thread.
    """
    loop = _running_loop("checkpoint")
    if loop._should_yield():
        loop._continue_soon()
        await _pass()


def should_yield() -> bool:
    """Returns True when what runs now should give way: to something more urgent, or to the poll.

    That is when `time_remaining()` is 0. For callbacks and tasks alike.

    Raises:
        RuntimeError: no loop of ours runs in this thread.
    """
    return _running_loop("should_yield")._should_yield()


def time_remaining() -> float:
    """Returns how many seconds what runs now may go on before the loop should look at its sockets.

    A slice is 5 ms at DEFAULT and above and 0.2 ms at LOW, shared by the callbacks of a batch. At
    IDLE it is each callback's own: until the next timer, and 50 ms at most; the loop's sockets are
    looked at from within this function. It is 0.0 as soon as something more urgent waits.

    Raises:
        RuntimeError: no loop of ours runs in this thread.
    """
    return _running_loop("time_remaining")._time_remaining()


@types.coroutine
def _pass() -> Generator[None]:
    yield


def _running_loop(call: str) -> SliceScheduler:
    loop: object = events._get_running_loop()
    if not isinstance(loop, SliceScheduler):
        running = "no loop runs in this thread" if loop is None else f"{loop!r} is not Mainspring's"
        raise RuntimeError(
            f"{call}() is for what runs on Mainspring's loop, and {running}; use mainspring.run() "
            f"or mainspring.new_event_loop()"
        )
    return loop
