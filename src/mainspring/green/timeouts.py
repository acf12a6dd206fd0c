"""`Timeout`: raises itself in a green thread that is still inside its block when the time is over.

Only what the thread waits for is cancelled, and the cancellation replaced on its way in: the task's
`cancelling()` stays 0, and so `asyncio.timeout` and anyio's scopes around it count right.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from mainspring.green.call import current
from mainspring.green.coroutine import GreenCoroutine
from mainspring.green.outside import refuse_to_block
from mainspring.green.thread import interrupt

__all__ = ["Timeout", "with_timeout"]


class Timeout(BaseException):
    """An exception that raises itself: `with Timeout(seconds): ...` in a green thread.

    Not an `Exception`, so that code between which catches those doesn't catch this.

    Parameters:
        seconds: how long; None for never. With 0 or less it is raised where the thread next waits.
        exception: what to raise instead of the Timeout itself, an exception or its type; False to
            raise nothing: the block just ends.
    """

    def __init__(
        self,
        seconds: float | None = None,
        exception: BaseException | type[BaseException] | bool | None = None,
    ) -> None:
        self.seconds = seconds
        self.exception = exception
        self._timer: asyncio.TimerHandle | None = None
        self._call: GreenCoroutine[Any] | None = None
        self._raised: BaseException | None = None

    @classmethod
    def start_new(
        cls,
        seconds: "float | Timeout | None" = None,
        exception: BaseException | type[BaseException] | bool | None = None,
    ) -> "Timeout":
        """Returns a started timeout: a new one, or the one that is given."""
        timeout = seconds if isinstance(seconds, Timeout) else cls(seconds, exception)
        if not timeout.pending:
            timeout.start()
        return timeout

    def start(self) -> None:
        """Lets the time begin.

        Raises:
            BlockingSwitchOutError: no green thread runs here.
            RuntimeError: it has begun already.
        """
        if self.pending:
            raise RuntimeError(f"{self!r} is already started; to restart it, cancel it first")
        call = current()
        if call is None:
            refuse_to_block("Timeout", "`asyncio.timeout()`")
        self._raised = None
        if self.seconds is None:
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._call = call
        self._timer = loop.call_later(self.seconds, self._fire, task)

    @property
    def pending(self) -> bool:
        """True from `start` until it has been raised or cancelled."""
        return self._timer is not None

    def cancel(self) -> None:
        """Takes it back; does nothing if it isn't pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._call is not None:
            if self._raised is not None:
                self._call.take_back(self._raised)
            self._call = None

    close = cancel

    def __enter__(self) -> Self:
        if not self.pending:
            self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self.cancel()
        return exc is self and self.exception is False

    def __str__(self) -> str:
        if self.seconds is None:
            return ""
        return f"{self.seconds} second{'' if self.seconds == 1 else 's'}"

    def __repr__(self) -> str:
        state = "pending" if self.pending else "raised" if self._raised else "not started"
        return f"<{type(self).__name__} {self} at {id(self):#x}: {state}>"

    def _fire(self, task: asyncio.Task[Any]) -> None:
        self._timer = None
        exception = self.exception
        if exception is None or isinstance(exception, bool):
            self._raised = self
        elif isinstance(exception, type):
            self._raised = exception()
        else:
            self._raised = exception
        interrupt(task, self._raised, self._call)


_NOTHING = object()


def with_timeout[T](
    seconds: float | None,
    function: Callable[..., T],
    /,
    *args: Any,
    timeout_value: Any = _NOTHING,
    **kwargs: Any,
) -> T:
    """Calls a function, and gives up after some time.

    Parameters:
        seconds: how long; None for ever.
        function: what to call with `args` and `kwargs`.
        timeout_value: what to return when the time is over; without it, the `Timeout` is raised.

    Returns:
        What the function returns.

    Raises:
        Timeout: the time is over.
    """
    try:
        with Timeout(seconds) as timeout:
            return function(*args, **kwargs)
    except Timeout as exc:
        if exc is not timeout or timeout_value is _NOTHING:
            raise
    return timeout_value  # type: ignore[no-any-return]
