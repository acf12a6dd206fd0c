"""The loop's clock: nanoseconds that never go back, and cheaper ticks to measure a batch with.

A test subclasses `Clock` and overrides `now`; its ticks are then nanoseconds of that clock, so
that time stands still between single steps.
"""

import cython


class Clock:
    """The system's monotonic clock."""

    def __cinit__(self):
        self.is_real = type(self) is Clock

    def now(self):
        """Returns the time in nanoseconds."""
        return monotonic_ns()

    def ticks(self):
        """Returns a counter to measure short spans with; `ticks_in` converts."""
        if self.is_real:
            return read_ticks()
        return self.now()

    def ticks_in(self, nanoseconds: cython.longlong):
        """Returns how many ticks a span has, given in nanoseconds (at most an hour)."""
        if self.is_real:
            return nanoseconds * ticks_per_millisecond // 1_000_000
        return nanoseconds

    def seconds_in(self, ticks: cython.ulonglong):
        """Returns how many seconds a span in ticks has (within 1 %)."""
        if self.is_real:
            return ticks / (ticks_per_millisecond * 1e3)
        return ticks / 1e9


def _calibrate():
    """Returns the ticks in a millisecond, from a spin of 0.2 ms (within 1 % is ample here)."""
    began: cython.longlong = monotonic_ns()
    first: cython.ulonglong = read_ticks()
    now: cython.longlong = began
    while now - began < 200_000:
        now = monotonic_ns()
    return (read_ticks() - first) * 1_000_000 // cython.cast(cython.ulonglong, now - began)


ticks_per_millisecond = _calibrate()
