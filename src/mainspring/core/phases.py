"""`Phases`: what somebody who isn't a callback does in each iteration, around the poll.

For another library's loop on top of this one, or beside it: it has work to do before every poll,
may want to be asked again after some time, and has to know when the poll is over. A scheduler has a
chain of them, as a rule empty, and asks one pointer an iteration.
"""

import cython


class Phases:
    """The interface; by itself it does nothing."""

    def before_poll(self):
        """Called before the poll, and before it is known whether that may sleep."""
        return 0

    def before_sleep(self, timeout: cython.longlong):
        """Called when the poll may sleep.

        Parameters:
            timeout: for how many nanoseconds, -1 for ever.

        Returns:
            For how many at most; less than `timeout`, or the same.
        """
        return timeout

    def after_poll(self):
        """Called when the ready I/O and the due timers are queued, before anything of it runs."""
        return 0

    def end_run(self):
        """Called in the loop's thread when it doesn't run any more; it may begin again."""
        return 0


def prepare_sleep(phases: Phases, timeout: cython.longlong) -> cython.longlong:
    """Tells a chain that the poll may sleep; returns for how long, as `before_sleep` does."""
    while phases is not None:
        timeout = phases.before_sleep(timeout)
        phases = phases.following
    return timeout


def chain_with(first: Phases, phases: Phases):
    """Returns a chain with one more at its end; `first` is None for an empty one."""
    last: Phases = first
    if first is None:
        return phases
    while last.following is not None:
        last = last.following
    last.following = phases
    return first


def chain_without(first: Phases, phases: Phases):
    """Returns a chain without one of its own. Who is asked now still leads to those behind it."""
    before: Phases = first
    if first is phases:
        return phases.following
    while before is not None and before.following is not phases:
        before = before.following
    if before is not None:
        before.following = phases.following
    return first
