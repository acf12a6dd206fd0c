"""Greenlets of other libraries that run on our loop, eventlet's and gevent's: they may wait, too.

They are no tasks and no green calls. A library's adapter, which is above this layer, says here how
one of its greenlets is known, and how it waits.
"""

from collections.abc import Callable
from typing import Any

from mainspring.sync.here import set_foreign

__all__ = ["add_greenlets", "find_wait"]

type Wait = Callable[[Any], Any]

_finders: list[Callable[[], Wait | None]] = []


def add_greenlets(find: Callable[[], Wait | None]) -> None:
    """Has a library's greenlets wait in its own way.

    Parameters:
        find: called in any thread, outside green calls; returns what waits for a coroutine or
            future where a greenlet of the library runs, and None where none does.
    """
    _finders.append(find)
    set_foreign(is_greenlet)


def find_wait() -> Wait | None:
    """Returns what waits for a coroutine or future here, None if no such greenlet runs here."""
    for find in _finders:
        wait = find()
        if wait is not None:
            return wait
    return None


def is_greenlet() -> bool:
    """Returns True where another library's greenlet runs, which may wait."""
    return find_wait() is not None
