"""Unix signals: handlers that run as callbacks of the loop, at HIGH unless said otherwise.

The interpreter's own C handler notes the signal and writes a byte to a socket pair, which ends the
loop's sleep; the loop then lets the interpreter run its Python handlers, and ours queues the
callback. A socket pair, because an eventfd refuses writes of one byte.
"""

import contextlib
import inspect
import signal
import socket
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.part import Part

type _Handler = tuple[Callable[..., object], tuple[Any, ...], Context, Priority | int]


class Signals(Part):
    """Signal handlers of a loop."""

    def __init__(self) -> None:
        self._signal_handlers: dict[int, _Handler] = {}
        self._signal_pair: tuple[socket.socket, socket.socket] | None = None
        super().__init__()

    def add_signal_handler[*Ts](
        self,
        sig: int,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        priority: Priority | int = Priority.HIGH,
    ) -> None:
        """Runs a callback in the loop whenever a signal arrives; replaces the signal's handler.

        Parameters:
            sig: the signal's number.
            callback: what to call, with `args`.
            priority: a `Priority`.

        Raises:
            TypeError: `sig` is not an int, or `callback` is a coroutine (function).
            ValueError: there is no such signal.
            RuntimeError: the signal can't be caught, the loop is closed, or this is not the main
                thread.
        """
        if inspect.iscoroutine(callback) or inspect.iscoroutinefunction(callback):
            raise TypeError(
                f"coroutines cannot be used with add_signal_handler(), got {callback!r}; "
                f"use a function that calls create_task()"
            )
        if not callable(callback):
            raise TypeError(f"a callable object was expected, got {callback!r}")
        _check_signal(sig)
        self._check_closed()
        Priority(priority)
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("signal handlers can be added in the main thread only")
        self._signal_handlers[sig] = (callback, args, copy_context(), priority)
        try:
            signal.signal(sig, self._on_signal)
            # System calls of other code go on; the loop's own poll ends all the same.
            signal.siginterrupt(sig, False)
        except (OSError, ValueError) as exc:
            del self._signal_handlers[sig]
            raise RuntimeError(f"sig {sig} cannot be caught") from exc

    def remove_signal_handler(self, sig: int) -> bool:
        """Ends a signal's handler. Returns True if it had one.

        Raises:
            TypeError: `sig` is not an int.
            ValueError: there is no such signal.
            RuntimeError: the signal can't be caught.
        """
        _check_signal(sig)
        if self._signal_handlers.pop(sig, None) is None:
            return False
        default = signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL
        try:
            signal.signal(sig, default)
        except OSError as exc:
            raise RuntimeError(f"sig {sig} cannot be caught") from exc
        return True

    def _on_signal(self, sig: int, frame: object) -> None:
        handler = self._signal_handlers.get(sig)
        if handler is None or self.is_closed():
            return
        callback, args, context, priority = handler
        self.call_soon_threadsafe(callback, *args, context=context, priority=priority)

    def _begin_signals(self) -> int | None:
        """Has the interpreter wake this loop for a signal.

        Returns:
            The wake-up fd from before; None in a thread that gets no signals.
        """
        if threading.current_thread() is not threading.main_thread():
            return None
        if self._signal_pair is None:
            self._signal_pair = self._watched(socket.socketpair())
        ours, theirs = self._signal_pair
        previous = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        # Closed since, perhaps: then nobody waits for it.
        with contextlib.suppress(OSError):
            self._pass_signals_on(ours.fileno(), previous)
        return previous

    def _watched(self, pair: tuple[Any, Any]) -> tuple[Any, Any]:
        """Has a byte that is written to the second socket of a pair end the loop's sleep.

        Returns:
            The pair; if it can't be watched, it is closed.
        """
        try:
            for end in pair:
                end.setblocking(False)
            self._watch_signals(pair[0].fileno())
        except BaseException:
            for end in pair:
                end.close()
            raise
        return pair

    def _end_signals(self, previous: int) -> None:
        if self._signal_pair is not None:
            ours, theirs = self._signal_pair
            self._pass_signals_on(ours.fileno(), -1)
            _replace_wakeup_fd(theirs.fileno(), previous)

    def _close_signals(self) -> None:
        if self._signal_handlers:
            if threading.current_thread() is threading.main_thread():
                for sig in list(self._signal_handlers):
                    self.remove_signal_handler(sig)
            self._signal_handlers.clear()
        pair, self._signal_pair = self._signal_pair, None
        if pair is not None:
            self._unwatch_signals(pair[0].fileno())
            for end in pair:
                end.close()

    def _after_fork(self) -> None:
        super()._after_fork()
        # A byte that one process wrote would wake, or be read by, the other.
        pair, self._signal_pair = self._signal_pair, None
        if pair is not None and not self.is_closed():
            _replace_wakeup_fd(pair[1].fileno(), -1)
            self._unwatch_signals(pair[0].fileno())
            for end in pair:
                end.close()


def _replace_wakeup_fd(ours: int, wanted: int) -> None:
    """Sets the wake-up fd, unless somebody has set his own instead of ours."""
    with contextlib.suppress(ValueError):
        current = signal.set_wakeup_fd(-1)
        try:
            signal.set_wakeup_fd(wanted if current == ours else current)
        except OSError:
            # Closed meanwhile by whoever had it.
            pass


def _check_signal(sig: int) -> None:
    if not isinstance(sig, int):
        raise TypeError(f"sig must be an int, not {sig!r}")
    if sig not in signal.valid_signals():
        raise ValueError(f"invalid signal number {sig}")
