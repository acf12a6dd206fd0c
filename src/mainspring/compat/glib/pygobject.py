"""What PyGObject asks of the running loop, and finds on one that a context is attached to.

It looks for a loop with the attributes of its own: `_context`, by which Gio's asynchronous
functions know that they may be awaited there, and the context managers `running` and `paused`, in
which it runs a nested main loop. That one runs what is GLib's, and the loop goes on when it has
ended. Invariant: they are there exactly while the context is attached.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from mainspring.compat.glib.library import default_context
from mainspring.loop.loop import Loop

__all__ = ["show_to_pygobject"]


def show_to_pygobject(loop: Loop, context: Any, address: int) -> Callable[[], None]:
    """Has PyGObject, where it is in use, know a loop's context.

    Parameters:
        loop: the loop, which shows one context only.
        context: what the user gave.
        address: where the context is.

    Returns:
        A function that takes it back.
    """
    shown = _as_object(context, address)
    if shown is None or "_context" in vars(loop):
        return lambda: None
    vars(loop).update(_context=shown, running=_running, paused=_paused)

    def hide() -> None:
        for name in ("_context", "running", "paused"):
            del vars(loop)[name]

    return hide


def _as_object(context: Any, address: int) -> Any:
    """Returns the context as PyGObject's object, or None where PyGObject isn't in use."""
    if context is not None and not isinstance(context, int):
        return context
    glib = sys.modules.get("gi.repository.GLib")
    if glib is None or address != default_context():
        return None
    return glib.MainContext.default()


@contextlib.contextmanager
def _running(quit_function: Callable[[], object]) -> Iterator[None]:
    # Signals wake the loop, which doesn't poll now: PyGObject has a way of its own.
    helper = importlib.import_module("gi._ossighelper")
    with helper.wakeup_on_signal():
        yield


@contextlib.contextmanager
def _paused() -> Iterator[None]:
    yield
