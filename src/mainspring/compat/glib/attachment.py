"""`attach`: makes a GMainContext a source of a loop; `Attachment`, which ends that.

Invariant: a context is attached once, or its sources would run twice as often as they should.
"""

import asyncio
import os
import weakref
from types import TracebackType
from typing import Any, Self

from mainspring.compat.glib.context import ContextPhases
from mainspring.compat.glib.library import address_of, calls
from mainspring.compat.glib.pygobject import show_to_pygobject
from mainspring.loop.loop import Loop

__all__ = ["Attachment", "attach"]

_attached: weakref.WeakValueDictionary[int, "Attachment"] = weakref.WeakValueDictionary()


class Attachment:
    """A GMainContext that is a source of a loop, until it is closed; made by `attach`.

    It is a context manager, too, which closes it in the end.
    """

    def __init__(self, loop: Loop, context: Any, address: int) -> None:
        self._loop = loop
        self._address = address
        self._phases = ContextPhases(loop, address, calls())
        self._forget = loop._at_close(self.close)
        self._hide = show_to_pygobject(loop, context, address)
        _attached[address] = self

    @property
    def loop(self) -> Loop:
        """The loop."""
        return self._loop

    @property
    def is_closed(self) -> bool:
        """True once `close()` was called, or the loop closed."""
        return self._phases.is_closed

    def close(self) -> None:
        """Takes the context from the loop: its sources don't run any more until others run them.

        Does nothing the second time.

        Raises:
            RuntimeError: the loop runs in another thread.
        """
        if self.is_closed:
            return
        _check_thread(self._loop, "close")
        self._forget()
        self._phases.close()
        self._hide()
        _attached.pop(self._address, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else f"attached to {self._loop!r}"
        return f"<{type(self).__name__} of GMainContext {self._address:#x}, {state}>"


def attach(loop: asyncio.AbstractEventLoop | None = None, context: Any = None) -> Attachment:
    """Makes a GMainContext a source of a loop: GLib's callbacks run beside coroutines.

    Sources run at the level of their priority: up to -200 URGENT, below 0 HIGH, 0 DEFAULT, below
    200 LOW, from 200 on (`GLib.idle_add`) IDLE.

    Parameters:
        loop: the `mainspring.Loop`; the running one by default.
        context: PyGObject's `GLib.MainContext`, or the address of a GMainContext; the default
            context when None, where GTK and most libraries have their sources.

    Returns:
        An `Attachment`; its `close()` ends it, as does the end of the loop.

    Raises:
        RuntimeError: no loop was given and none runs; or the loop is closed or runs in another
            thread; or the context is attached already, or another thread runs it.
        TypeError: the loop is another library's, or `context` is no context.
    """
    used = asyncio.get_running_loop() if loop is None else loop
    if not isinstance(used, Loop):
        raise TypeError(
            f"a mainspring loop was expected, got {used!r}: run the program with mainspring.run() "
            f"or asyncio.run(..., loop_factory=mainspring.new_event_loop)"
        )
    if used.is_closed():
        raise RuntimeError(f"{used!r} is closed: attach the context to a loop that isn't")
    _check_thread(used, "attach")
    address = address_of(context)
    other = _attached.get(address)
    if other is not None and not other.is_closed:
        raise RuntimeError(f"the GMainContext is attached already: close {other!r} first")
    return Attachment(used, context, address)


def _check_thread(loop: Loop, verb: str) -> None:
    if loop.is_running() and asyncio._get_running_loop() is not loop:
        raise RuntimeError(
            f"a GMainContext can't be changed under {loop!r}, which runs in another thread: {verb} "
            f"there, by loop.call_soon_threadsafe()"
        )


def _after_fork() -> None:
    for attachment in list(_attached.values()):
        attachment._phases.renew_after_fork()


# Behind the loop's own, which registers at its import.
os.register_at_fork(after_in_child=_after_fork)
