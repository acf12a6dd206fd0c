"""`Event`: asyncio's, for every model.

`set()` wakes the waiters in the order in which they came, the more urgent first; each wake-up of a
task is queued at the priority of that task.
"""

from cython.cimports.mainspring.sync.flag import Flag, wait_for


class Event(Flag):
    """A flag to wait for: false at first, true after `set()`, until `clear()`."""

    def __init__(self):
        pass

    def __repr__(self):
        return self.waiters.show(self, "set" if self.is_up else "unset")

    def is_set(self):
        """Returns True while the event is set."""
        return self.is_up

    def set(self):
        """Sets the event, and wakes all that wait for it; those to come don't wait."""
        if not self.is_up:
            self.put_up()

    def clear(self):
        """Resets the event: who comes from now on waits."""
        self.is_up = False

    def wait(self):
        """Waits until the event is set; not at all if it is.

        Returns:
            An awaitable `Wait`, whose result is True.
        """
        return wait_for(self, "wait", False)
