"""The stdlib's `os` for green threads: reads, writes and waits for children wait greenly there.

An fd that doesn't block raises as ever. A blocking one is waited for, and then used in pieces that
the system takes at once; a regular file is used as it is.
"""

import os as _stdlib
import time
from collections.abc import Callable
from os import *
from typing import Any

from mainspring.green.call import current as _current
from mainspring.green.fd_wait import wait_for_fd
from mainspring.green.stdlib import adopt
from mainspring.green.waiting import sleep

__implements__ = ("read", "wait", "wait3", "wait4", "waitid", "waitpid", "write")

_READ, _WRITE = 1, 2
# What a pipe that is ready takes at once.
_PIECE = 4096
# Seconds between two looks at children that can't be watched.
_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.05

_get_blocking = _stdlib.get_blocking
_monotonic = time.monotonic
_read = _stdlib.read
_write = _stdlib.write
_wait3 = _stdlib.wait3
_wait4 = _stdlib.wait4
_waitid = _stdlib.waitid
_waitpid = _stdlib.waitpid


def read(fd: int, length: int, /) -> bytes:
    """`os.read`; a green thread that calls it waits alone."""
    if _current() is not None and _get_blocking(fd):
        _wait_for(fd, _READ)
    return _read(fd, length)


def write(fd: int, data: Any, /) -> int:
    """`os.write`; a green thread that calls it waits alone."""
    if _current() is None or not _get_blocking(fd) or not _wait_for(fd, _WRITE):
        return _write(fd, data)
    view = memoryview(data).cast("B")
    written = _write(fd, view[:_PIECE])
    while written < len(view):
        _wait_for(fd, _WRITE)
        try:
            written += _write(fd, view[written : written + _PIECE])
        except OSError:
            # The system's own call would tell of what it has written, too.
            break
    return written


def waitpid(pid: int, options: int, /) -> tuple[int, int]:
    """`os.waitpid`; a green thread that calls it waits alone."""
    if _current() is None or options & _stdlib.WNOHANG:
        return _waitpid(pid, options)
    return _look_until(
        lambda: _waitpid(pid, options | _stdlib.WNOHANG), lambda found: found[0] != 0, pid
    )


def wait() -> tuple[int, int]:
    """`os.wait`; a green thread that calls it waits alone."""
    return waitpid(-1, 0)


def wait3(options: int) -> tuple[int, int, Any]:
    """`os.wait3`; a green thread that calls it waits alone."""
    if _current() is None or options & _stdlib.WNOHANG:
        return _wait3(options)
    return wait4(-1, options)


def wait4(pid: int, options: int) -> tuple[int, int, Any]:
    """`os.wait4`; a green thread that calls it waits alone."""
    if _current() is None or options & _stdlib.WNOHANG:
        return _wait4(pid, options)
    return _look_until(
        lambda: _wait4(pid, options | _stdlib.WNOHANG), lambda found: found[0] != 0, pid
    )


def waitid(idtype: int, ident: int, options: int, /) -> Any:
    """`os.waitid`; a green thread that calls it waits alone."""
    if _current() is None or options & _stdlib.WNOHANG:
        return _waitid(idtype, ident, options)
    return _look_until(
        lambda: _waitid(idtype, ident, options | _stdlib.WNOHANG),
        lambda found: found is not None,
        ident if idtype == _stdlib.P_PID else -1,
    )


def wait_for_exit(pid: int, timeout: float = -1.0) -> bool:
    """Has the current green call wait until a child has ended; doesn't reap it.

    Parameters:
        pid: the child.
        timeout: seconds; negative for none.

    Returns:
        False when the time is over; True if it has ended, or can't be watched.
    """
    try:
        pidfd = _stdlib.pidfd_open(pid)
    except (AttributeError, OSError):
        return True
    try:
        return wait_for_fd(pidfd, _READ, timeout)
    finally:
        _stdlib.close(pidfd)


def _look_until[T](look: Callable[[], T], is_found: Callable[[T], bool], pid: int) -> T:
    """Looks for a child's change until there is one; waits for the end of that child meanwhile."""
    pause = _FIRST_PAUSE
    found = look()
    if not is_found(found) and pid > 0:
        wait_for_exit(pid)
        found = look()
    while not is_found(found):
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        found = look()
    return found


def _wait_for(fd: int, interest: int) -> bool:
    """Waits until an fd is ready; returns False if it always is."""
    try:
        return wait_for_fd(fd, interest)
    except PermissionError:
        return False


adopt(globals(), _stdlib)
