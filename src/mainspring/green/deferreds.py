"""Twisted's Deferreds, for whoever waits by a future or blocks a thread.

Twisted is never imported here: who has a Deferred has imported it. Invariant: a Deferred is touched
in the thread of its reactor only, wherever its waiter is.
"""

import asyncio
import concurrent.futures
import contextlib
import sys
import threading
from typing import Any

from mainspring.green.errors import BlockingSwitchOutError

__all__ = ["as_future", "is_deferred", "wait_for_deferred"]


def is_deferred(value: object) -> bool:
    """Returns True for a Deferred."""
    return hasattr(value, "asFuture")


def as_future(deferred: Any, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
    """Returns a future that is done when a Deferred has fired; to cancel it cancels the Deferred.

    The Deferred's result goes to the future, and what comes later in its chain gets None.

    Parameters:
        deferred: the Deferred.
        loop: the loop of the future, which runs in this thread. The reactor may run in another.
    """
    future: asyncio.Future[Any] = loop.create_future()
    reactor = _reactor_of_another_thread()
    call_in_loop = loop.call_soon_threadsafe
    if reactor is None:
        _settle(deferred, future)
        future.add_done_callback(lambda done: deferred.cancel() if done.cancelled() else None)
        return future
    fired: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def pass_on(_: object) -> None:
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            call_in_loop(_copy, fired, future)

    fired.add_done_callback(pass_on)
    _settle_from_outside(reactor, deferred, fired)
    future.add_done_callback(
        lambda done: reactor.callFromThread(deferred.cancel) if done.cancelled() else None
    )
    return future


def wait_for_deferred(deferred: Any) -> Any:
    """Blocks this thread until a Deferred has fired, and returns its result.

    Raises:
        BlockingSwitchOutError: the reactor runs in this thread.
        RuntimeError: no reactor runs that could fire it, or the reactor was stopped meanwhile.
        BaseException: what the Deferred failed with. A KeyboardInterrupt here cancels it.
    """
    answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
    reactor = _reactor_of_another_thread()
    if reactor is None:
        if _is_running(_reactor()):
            raise BlockingSwitchOutError(
                "await_() was called for a Deferred in the reactor's own thread, which would stop; "
                "run the function with spawn(function) on mainspring.compat.twisted's reactor, or "
                "in a thread with deferToThread(function)"
            )
        if not deferred.called:
            raise RuntimeError(
                f"{deferred!r} has not fired, and no reactor runs that could fire it: start the "
                f"reactor first"
            )
        _settle(deferred, answer)
        return answer.result(0)
    _settle_from_outside(reactor, deferred, answer)
    try:
        return answer.result()
    except BaseException:
        if not answer.done():
            reactor.callFromThread(deferred.cancel)
        raise


def _reactor() -> Any:
    """Returns the reactor of the process, None when there is none yet."""
    return sys.modules.get("twisted.internet.reactor")


def _is_running(reactor: Any) -> bool:
    return reactor is not None and reactor.running


def _reactor_of_another_thread() -> Any:
    """Returns the reactor if it runs in another thread than this one."""
    reactor = _reactor()
    if not _is_running(reactor):
        return None
    io_thread: int = sys.modules["twisted.python.threadable"].ioThread
    return None if io_thread == threading.get_ident() else reactor


def _settle(deferred: Any, future: Any) -> None:
    """Has a future of either kind done with what a Deferred fires with, unless it is done."""

    def succeed(result: object) -> None:
        if not future.done():
            future.set_result(result)

    def fail(failure: Any) -> None:
        if not future.done():
            future.set_exception(_exception_of(failure))

    deferred.addCallbacks(succeed, fail)


def _settle_from_outside(
    reactor: Any, deferred: Any, answer: concurrent.futures.Future[Any]
) -> None:
    """Does so from another thread than the reactor's; if the reactor stops first, that fails it."""

    def lose() -> None:
        if not answer.done():
            answer.set_exception(
                RuntimeError(f"the reactor was stopped while somebody waited for {deferred!r}")
            )

    def begin() -> None:
        answer.add_done_callback(lambda _: end())
        _settle(deferred, answer)

    def end() -> None:
        # Gone already when this is the shutdown.
        with contextlib.suppress(ValueError):
            reactor.removeSystemEventTrigger(trigger)

    # Not by `begin`: a reactor that is stopped now may never call that. Twisted appends to a list
    # here, which is safe in any thread; and `running` ends before the triggers are called, so a
    # reactor that still runs then will call this one.
    trigger = reactor.addSystemEventTrigger("after", "shutdown", lose)
    if reactor.running:
        reactor.callFromThread(begin)
    else:
        end()
        lose()


def _copy(source: concurrent.futures.Future[Any], target: asyncio.Future[Any]) -> None:
    if target.done():
        return
    exc = source.exception()
    if exc is not None:
        target.set_exception(exc)
    else:
        target.set_result(source.result())


def _exception_of(failure: Any) -> BaseException:
    """Returns a Failure's exception, with where it came from."""
    exc: BaseException = failure.value
    if exc.__traceback__ is None and failure.frames:
        # Twisted takes the traceback away when a Failure finds nobody who waits; its text is left.
        exc.add_note(f"The traceback that Twisted kept:\n{failure.getTraceback()}")
    return exc
