"""What `_thread` has for green threads: the names of `threading`, `start_new_thread`, `_count`."""

import _thread
import sys
import types
from collections.abc import Callable
from typing import Any

from mainspring.green.call import current
from mainspring.green.calls import spawn
from mainspring.green.errors import GreenletExit
from mainspring.green.threading import Lock, RLock, get_ident, local
from mainspring.green.threads import green_idents

__all__ = ["RLock", "allocate_lock", "get_ident", "start_new_thread"]
__implements__ = (
    "RLock",
    "_count",
    "_local",
    "allocate",
    "allocate_lock",
    "get_ident",
    "start_new",
    "start_new_thread",
)

allocate_lock = allocate = Lock
_local = local
_count_os_threads = _thread._count
_start_new_thread = _thread.start_new_thread
# The idents of the green threads that were started here.
_started: set[int] = set()


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, /
) -> int:
    """`_thread.start_new_thread`; called in a green thread it starts one."""
    if current() is None or not callable(function) or not isinstance(args, tuple):
        # Also for the interpreter to say what is wrong.
        return _start_new_thread(function, args, *(() if kwargs is None else (kwargs,)))
    task = spawn(_run, function, args, kwargs or {})
    _started.add(id(task))
    task.add_done_callback(lambda task: _started.discard(id(task)))
    return id(task)


start_new = start_new_thread


def _count() -> int:
    """`_thread._count`; called in a green thread it counts those, as only they are started there.

    OS threads come and go there without the program: the loop has them look names up.
    """
    return _count_os_threads() if current() is None else len(_started | green_idents())


def _run(function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        function(*args, **kwargs)
    except (SystemExit, GreenletExit):
        # It ends the thread only.
        pass
    except Exception as exc:
        _report(exc, function)


def _report(exc: Exception, function: Callable[..., object]) -> None:
    """Tells `sys.unraisablehook` what ended a thread, in this interpreter's own form."""
    message, culprit = f"Exception ignored in thread started by {function!r}", None
    if sys.version_info < (3, 13):
        message, culprit = "Exception ignored in thread started by", function
    sys.unraisablehook(
        types.SimpleNamespace(
            exc_type=type(exc),
            exc_value=exc,
            exc_traceback=exc.__traceback__,
            err_msg=message,
            object=culprit,
        )
    )
