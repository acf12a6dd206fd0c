"""`Reply`: what every operation returns at once, and what each model waits for in its own way.

It is an `asyncio.Future` of the transport's loop: a coroutine awaits it, a callback is added to it,
and in an OS thread `result(timeout)` blocks until it is there. All its methods may be used from any
thread. A call that is cancelled is given up: the server is told so.
"""

import asyncio

import cython

from mainspring.green.outside import wait_in_thread

__all__ = ["Reply", "reply_of"]

Future = cython.declare(object, asyncio.Future)
running_loop = cython.declare(object, asyncio._get_running_loop)


class Reply(asyncio.Future):
    """The outcome of a call, a cast or another operation, now or later."""

    # Whose `on_abandoned(reply)` is called in the loop's thread when the reply isn't wanted any
    # more. A class attribute, because most replies to a cast have none.
    _owner = None

    def result(self, timeout=None):
        """Returns the result; in an OS thread, waits for it.

        Parameters:
            timeout: seconds to wait; None for as long as it takes. The operation goes on when they
                are over: `cancel()` ends it.

        Returns:
            The result.

        Raises:
            asyncio.InvalidStateError: it isn't there yet, and this thread runs a loop, which
                waiting would stop: await it, add a callback, or in a green thread `await_(reply)`.
            TimeoutError: it isn't there after `timeout`.
            RuntimeError: its loop was closed before it came.
            asyncio.CancelledError: it was cancelled.
            BaseException: what the operation raised.
        """
        if not self.done():
            self._block(timeout)
        return Future.result(self)

    def exception(self, timeout=None):
        """Returns what the operation raised, or None; in an OS thread, waits for it.

        Parameters:
            timeout: as for `result`.

        Raises:
            asyncio.InvalidStateError: as for `result`.
            TimeoutError: as for `result`.
            asyncio.CancelledError: it was cancelled.
        """
        if not self.done():
            self._block(timeout)
        return Future.exception(self)

    def cancel(self, msg=None):
        """Gives the operation up.

        Parameters:
            msg: what `CancelledError` says.

        Returns:
            False if it was done already. In another thread than the loop's: whether it was not yet
            done, which may change before the loop is asked.
        """
        loop = self.get_loop()
        if running_loop() is not loop and loop.is_running():
            if self.done():
                return False
            loop.call_soon_threadsafe(self.cancel, msg)
            return True
        if not Future.cancel(self, msg):
            return False
        if self._owner is not None:
            self._owner.on_abandoned(self)
        return True

    def add_done_callback(self, fn, *, context=None):
        """Has `fn(reply)` called in the loop's thread once the operation is done.

        Parameters:
            fn: the callback.
            context: the context that it runs in; None for the current one.
        """
        loop = self.get_loop()
        if running_loop() is loop or not loop.is_running():
            Future.add_done_callback(self, fn, context=context)
            return
        loop.call_soon_threadsafe(Future.add_done_callback, self, fn, context=context)

    def _block(self, timeout):
        """Waits in an OS thread."""
        if running_loop() is not None:
            raise asyncio.InvalidStateError(
                "the reply isn't there yet, and this thread runs an event loop, which can't wait: "
                "await the reply, in a green thread await_(reply), or use add_done_callback()"
            )
        if not self.get_loop().is_running():
            raise asyncio.InvalidStateError(
                f"the reply isn't there yet, and its loop doesn't run, so it can't come: {self!r}"
            )
        try:
            # Not for the reply itself: that goes on when the time is over.
            wait_in_thread(self.get_loop(), asyncio.wait([self]), timeout)
        except TimeoutError:
            raise TimeoutError(f"no reply within {timeout} s; it is still awaited") from None


def reply_of(loop, coroutine):
    """Has a coroutine run as a task of a loop, from any thread.

    Parameters:
        loop: the loop.
        coroutine: what to run; it is cancelled with the reply.

    Returns:
        The reply that has its result.
    """
    reply = Reply(loop=loop)
    runner = _Runner(coroutine)
    reply._owner = runner
    if running_loop() is loop:
        runner.start(reply)
    else:
        loop.call_soon_threadsafe(runner.start, reply)
    return reply


class _Runner:
    """Runs a coroutine for a reply."""

    def __init__(self, coroutine):
        self._coroutine = coroutine
        self._task = None

    def start(self, reply):
        if reply.done():
            self._coroutine.close()
            return
        self._task = reply.get_loop().create_task(self._coroutine)
        self._task.add_done_callback(lambda task: hand_over(task, reply))

    def on_abandoned(self, reply):
        if self._task is not None:
            self._task.cancel()


def hand_over(task, reply):
    if task.cancelled():
        if not reply.done():
            Future.cancel(reply)
        return 0
    error = task.exception()
    if reply.done():
        return 0
    if error is not None:
        reply.set_exception(error)
    else:
        reply.set_result(task.result())
    return 0
