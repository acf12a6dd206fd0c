"""The arithmetic of `deadlines`: done twice for each message, so it is compiled."""

import time

import cython
from cython.cimports.libc.math import llrint

__all__ = ["arrival", "expiry", "remaining"]

# Of a deadline farther away than any: no clock tells it from none.
FARTHEST = cython.declare(cython.longlong, 1 << 53)

time_of_day = cython.declare(object, time.time)


def remaining(deadline, now):
    """Returns the milliseconds until a deadline, 0 if it is over.

    Parameters:
        deadline: on some clock, in seconds.
        now: what that clock shows.
    """
    left: cython.double = (deadline - now) * 1000
    if left >= FARTHEST:
        return FARTHEST
    return llrint(left) if left > 0 else 0


def expiry(left, wall=None):
    """Returns the time of day when something ends, in milliseconds of the UNIX epoch.

    Parameters:
        left: the milliseconds until then.
        wall: the time of day, in seconds; None for the system's.
    """
    today: cython.double = time_of_day() if wall is None else wall
    return llrint(today * 1000) + left


def arrival(timeout_ms, expires_ms, now, wall=None):
    """Returns the deadline on the clock of the process in which it arrived.

    Parameters:
        timeout_ms: the milliseconds that were left when it was sent.
        expires_ms: the time of day when it ends, in milliseconds; None if that isn't said.
        now: what the clock shows, in seconds.
        wall: the time of day, in seconds; None for the system's.
    """
    left: cython.double = timeout_ms / 1000
    by_wall: cython.double
    if expires_ms is not None:
        today: cython.double = time_of_day() if wall is None else wall
        by_wall = expires_ms / 1000 - today
        if 0 < by_wall < left:
            left = by_wall
    return now + left
