"""The stdlib's `select` for green threads: `select`, `poll` and `epoll` wait greenly there.

Each asks the system without waiting first. If nothing is ready, an epoll set of all that is asked
for is what the loop watches, because such a set is an fd itself: so every event that the system
knows can be waited for, and an answer is always the system's own.
"""

import math as _math
import select as _stdlib
import time
from collections.abc import Iterable
from select import *
from types import TracebackType
from typing import Any, Self

from mainspring.green.call import current as _current
from mainspring.green.fd_wait import wait_for_fd
from mainspring.green.stdlib import adopt

__implements__ = ("epoll", "poll", "select")

_READ = 1
_monotonic = time.monotonic
_select = _stdlib.select
_poll = _stdlib.poll
_epoll = _stdlib.epoll


def select(
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None = None,
    /,
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select.select`; a green thread that calls it waits alone."""
    if _current() is None or (timeout is not None and not timeout > 0):
        return _select(rlist, wlist, xlist, timeout)
    # A list is read as it is, and again at each look: asking for an fd may change it.
    readers, writers, others = (
        files if isinstance(files, list) else list(files) for files in (rlist, wlist, xlist)
    )
    deadline = None if timeout is None else _monotonic() + timeout
    found = _select(readers, writers, others, 0)
    if any(found):
        return found
    masks: dict[int, int] = {}
    for files, mask in (
        (readers, _stdlib.POLLIN),
        (writers, _stdlib.POLLOUT),
        (others, _stdlib.POLLPRI),
    ):
        for file in files:
            number = _fileno(file)
            masks[number] = masks.get(number, 0) | mask
    while not any(found) and _wait(masks, deadline):
        found = _select(readers, writers, others, 0)
    return found


class poll:
    """`select.poll`; a green thread that waits with it waits alone."""

    def __init__(self) -> None:
        self._poll = _poll()
        self._masks: dict[int, int] = {}

    def register(
        self,
        fd: Any,
        eventmask: int = _stdlib.POLLIN | _stdlib.POLLPRI | _stdlib.POLLOUT,
        /,
    ) -> None:
        """Adds an fd, or changes what is asked for."""
        self._poll.register(fd, eventmask)
        self._masks[_fileno(fd)] = eventmask

    def modify(self, fd: Any, eventmask: int, /) -> None:
        """Changes what is asked for of an fd that was added."""
        self._poll.modify(fd, eventmask)
        self._masks[_fileno(fd)] = eventmask

    def unregister(self, fd: Any, /) -> None:
        """Takes an fd away."""
        self._poll.unregister(fd)
        del self._masks[_fileno(fd)]

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """Waits until anything is ready; returns the fds and their events.

        Parameters:
            timeout: milliseconds; None or a negative number for no bound.
        """
        if _current() is None or timeout == 0 or _is_nan(timeout):
            return self._poll.poll(timeout)
        deadline = None
        if timeout is not None and timeout >= 0:
            deadline = _monotonic() + timeout / 1000
        found = self._poll.poll(0)
        while not found and _wait(self._masks, deadline):
            found = self._poll.poll(0)
        return found


class epoll:
    """`select.epoll`; a green thread that waits with it waits alone."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        self._epoll = _epoll(sizehint, flags)

    @classmethod
    def fromfd(cls, fd: int, /) -> Self:
        """Returns an object for an epoll set that exists."""
        self = cls.__new__(cls)
        self._epoll = _epoll.fromfd(fd)
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)

    def __enter__(self) -> Self:
        self._epoll.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        exc_tb: TracebackType | None = None,
        /,
    ) -> None:
        self._epoll.close()

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        """Waits until anything is ready; returns the fds and their events.

        Parameters:
            timeout: seconds; None or a negative number for no bound.
            maxevents: the most to return; -1 for no bound.
        """
        if _current() is None or timeout == 0 or _is_nan(timeout):
            return self._epoll.poll(timeout, maxevents)
        deadline = None if timeout is None or timeout < 0 else _monotonic() + timeout
        found = self._epoll.poll(0, maxevents)
        while not found and _wait_for(self._epoll.fileno(), deadline):
            found = self._epoll.poll(0, maxevents)
        return found


def _fileno(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


def _is_nan(timeout: float | None) -> bool:
    """Returns True for a time that the stdlib's own call refuses, and none of ours would end at."""
    return timeout is not None and _math.isnan(timeout)


def _wait(masks: dict[int, int], deadline: float | None) -> bool:
    """Waits until one of several fds is ready; returns False when the time is over."""
    with _epoll() as events:
        for fd, mask in masks.items():
            events.register(fd, mask)
        return _wait_for(events.fileno(), deadline)


def _wait_for(fd: int, deadline: float | None) -> bool:
    if deadline is None:
        return wait_for_fd(fd, _READ)
    return wait_for_fd(fd, _READ, max(0.0, deadline - _monotonic()))


adopt(globals(), _stdlib)
