"""Twisted on this loop: `install()` its reactor, wait for its Deferreds, hand it ours.

    from mainspring.compat import twisted
    loop = twisted.install()
    from twisted.internet import reactor

The reactor is Twisted's own for asyncio, with priorities: what is watched or called later inside
`with priority(p)` has that priority. Invariants: a connection keeps the priority with which it was
first watched, whoever writes to it later; and the one timer that all delayed calls share is
DEFAULT, so that a LOW call holds up no other.
"""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

try:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "twisted":
        raise
    raise ModuleNotFoundError(
        "mainspring.compat.twisted needs Twisted: pip install 'mainspring[twisted]'",
        name="twisted",
    ) from None
from twisted.internet.defer import Deferred
from twisted.internet.main import installReactor
from twisted.logger import Logger

from mainspring.core.priority import Priority, current_priority, priority
from mainspring.green import deferreds
from mainspring.loop.loop import Loop, new_event_loop

__all__ = ["Reactor", "as_deferred", "as_future", "install"]

_log = Logger()


class Reactor(AsyncioSelectorReactor):
    """Twisted's reactor on a Mainspring loop.

    Parameters:
        loop: the loop, which `reactor.run()` runs.
    """

    def __init__(self, loop: Loop) -> None:
        # First: the reactor watches its own wake-up fd as soon as it is made.
        self._priorities: weakref.WeakKeyDictionary[Any, Priority] = weakref.WeakKeyDictionary()
        super().__init__(loop)

    def startRunning(self, installSignalHandlers: bool = True) -> None:
        """Begins to run; what waits for that finds the loop in place, as all later callbacks do."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self._asyncioEventloop)
        try:
            super().startRunning(installSignalHandlers)
        finally:
            asyncio._set_running_loop(outer)

    def addReader(self, reader: Any) -> None:  # Twisted's name
        """Has `reader.doRead()` called whenever its fd is readable."""
        self._watch(super().addReader, reader)

    def addWriter(self, writer: Any) -> None:
        """Has `writer.doWrite()` called whenever its fd is writable."""
        self._watch(super().addWriter, writer)

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: Any, **kwargs: Any
    ) -> Any:
        """Calls a function after `delay` seconds, at the priority of whoever asks for it.

        Returns:
            Twisted's `DelayedCall`.
        """
        wanted = current_priority.get(Priority.DEFAULT)
        if wanted == Priority.DEFAULT:
            return super().callLater(delay, callable, *args, **kwargs)
        with priority(Priority.DEFAULT):
            return super().callLater(delay, self._call_at, wanted, callable, args, kwargs)

    def _watch(self, add: Callable[[Any], None], selectable: Any) -> None:
        here = current_priority.get(Priority.DEFAULT)
        wanted = self._priorities.setdefault(selectable, here)
        if wanted == here:
            # Not named again: a program without priorities pays for none.
            add(selectable)
        else:
            with priority(wanted):
                add(selectable)

    def _call_at(
        self, wanted: Priority, call: Callable[..., object], args: Any, kwargs: Any
    ) -> None:
        with priority(wanted):
            self._asyncioEventloop.call_soon(_call_logged, call, args, kwargs)


def _call_logged(call: Callable[..., object], args: Any, kwargs: Any) -> None:
    try:
        call(*args, **kwargs)
    except Exception:
        _log.failure("Unhandled error in a delayed call")


def install(loop: Loop | None = None) -> Loop:
    """Makes a loop Twisted's reactor; to be called before `twisted.internet.reactor` is imported.

    Parameters:
        loop: the loop; a new one by default.

    Returns:
        The loop. `reactor.run()` runs it, and asyncio's functions find it in every callback.

    Raises:
        twisted.internet.error.ReactorAlreadyInstalledError: there is a reactor already.
    """
    used = new_event_loop() if loop is None else loop
    reactor = Reactor(used)
    try:
        installReactor(reactor)
    except BaseException:
        reactor.removeAll()
        if loop is None:
            used.close()
        raise
    return used


def as_future(
    deferred: "Deferred[Any]", loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Future[Any]:
    """Returns a future for a Deferred, which a coroutine of asyncio's can await.

    Green threads, generators and OS threads need no such thing: `await_(d)`, `yield d`.

    Parameters:
        deferred: the Deferred. Its result goes to the future; what is added to its chain later gets
            None. To cancel the future cancels it.
        loop: the future's loop, of this thread; the running one by default. The reactor may be
            another, in another thread.

    Returns:
        The future. It fails with the exception of the Deferred's Failure, which has its traceback;
        with Twisted's own CancelledError if somebody cancels the Deferred.
    """
    return deferreds.as_future(deferred, asyncio.get_running_loop() if loop is None else loop)


def as_deferred(awaitable: Any) -> "Deferred[Any]":
    """Returns a Deferred for anything of asyncio's: a coroutine, a future, a green thread.

    Parameters:
        awaitable: what to wait for; a coroutine is started as a task.

    Returns:
        A Deferred that fires with its result or its exception. To cancel it cancels the awaitable.

    Raises:
        RuntimeError: a coroutine was given, and no loop runs in this thread.
    """
    if isinstance(awaitable, Deferred):
        return awaitable
    if not asyncio.isfuture(awaitable):
        # Not `ensure_future`, which would make a loop where none runs.
        awaitable = asyncio.get_running_loop().create_task(_run(awaitable))
    return Deferred.fromFuture(awaitable)


async def _run(awaitable: Any) -> Any:
    return await awaitable
