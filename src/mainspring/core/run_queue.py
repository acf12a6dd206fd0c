"""`RunQueue`: five FIFO rings of runnables, one a level, and a mask of those that may be non-empty.

Invariants: a runnable stands in at most one ring; stamps grow by one with each that a ring takes
in, so "what was queued when the batch began" is what has a stamp up to the last one given then,
whatever is cancelled or moved in between. A runnable leaves its ring by itself (`unlink`), so a bit
may outlive its level's last runnable: whoever reads the mask clears it then.
"""

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.core.clock import Clock
from cython.cimports.mainspring.core.level import LEVELS, LOW_LEVEL
from cython.cimports.mainspring.core.runnable import (
    RING_INSERT,
    RING_TAKE,
    Runnable,
    clear_ring,
    new_anchor,
)


class RunQueue:
    """All that waits to run, in order of level, then of arrival."""

    def __cinit__(self, clock: Clock):
        level: cython.int
        self.clock = clock
        self.timed_levels = 1 << LOW_LEVEL
        self.owned_anchors = []
        for level in range(cython.cast(cython.int, LEVELS)):
            anchor: Runnable = new_anchor()
            self.owned_anchors.append(anchor)
            self.anchors[level] = cython.cast(cython.pointer(PyObject), anchor)

    def clear(self):
        """Lets go of all that is queued; nothing of it runs."""
        level: cython.int
        for level in range(cython.cast(cython.int, LEVELS)):
            clear_ring(cython.cast(Runnable, self.anchors[level]))
        self.mask = 0

    def push(self, runnable: Runnable, level: cython.int):
        """Puts a runnable at the tail of a level; one that is queued already moves there."""
        # Raw pointers, here and in `take`: nothing needs counting while a link is moved.
        anchor: cython.pointer(PyObject) = self.anchors[level]
        before: cython.pointer(PyObject)
        if runnable.prev != cython.NULL:
            runnable.unlink()
        self.last_stamps[level] += 1
        runnable.stamp = self.last_stamps[level]
        runnable.level = level
        if self.timed_levels & (1 << level):
            runnable.queued_at = self.clock.now()
        before = cython.cast(Runnable, anchor).prev
        RING_INSERT(cython.cast(Runnable, before), runnable, cython.cast(Runnable, anchor))
        self.mask |= 1 << level

    def push_before_new(self, runnable: Runnable, level: cython.int, limit: cython.ulonglong):
        """Puts a runnable behind what is stamped up to `limit`, and before what came since.

        It counts as one of those before. The walk passes what came since only.
        """
        anchor: cython.pointer(PyObject) = self.anchors[level]
        after: cython.pointer(PyObject) = anchor
        before: cython.pointer(PyObject)
        self.push(runnable, level)
        before = runnable.prev
        while before != anchor and cython.cast(Runnable, before).stamp > limit:
            after = before
            before = cython.cast(Runnable, before).prev
        if after == anchor:
            return
        runnable.unlink()
        runnable.stamp = limit
        RING_INSERT(cython.cast(Runnable, before), runnable, cython.cast(Runnable, after))

    def highest(self):
        """Returns the most urgent level that is not empty, or -1."""
        level: cython.int
        for level in range(cython.cast(cython.int, LEVELS)):
            if self.mask & (1 << level):
                if cython.cast(Runnable, self.anchors[level]).next is not cython.cast(
                    Runnable, self.anchors[level]
                ):
                    return level
                self.mask &= ~(1 << level)
        return -1

    def has_above(self, level: cython.int):
        """Returns True when something more urgent than `level` is queued."""
        if self.mask & ((1 << level) - 1) == 0:
            return False
        return self.highest() < level

    def has_more(self, level: cython.int, limit: cython.ulonglong):
        """Returns True when a level's first runnable has a stamp up to `limit`."""
        anchor: cython.pointer(PyObject) = self.anchors[level]
        following: cython.pointer(PyObject) = cython.cast(
            cython.pointer(PyObject), cython.cast(Runnable, anchor).next
        )
        return following != anchor and cython.cast(Runnable, following).stamp <= limit

    def first(self, level: cython.int):
        """Returns the runnable that has waited longest at a level, or None."""
        anchor: Runnable = cython.cast(Runnable, self.anchors[level])
        if anchor.next is anchor:
            return None
        return anchor.next

    def take(self, level: cython.int):
        """Takes the first runnable, and its reference, out of a level that is not empty."""
        anchor: cython.pointer(PyObject) = self.anchors[level]
        first: cython.pointer(PyObject) = cython.cast(
            cython.pointer(PyObject), cython.cast(Runnable, anchor).next
        )
        second: cython.pointer(PyObject) = cython.cast(
            cython.pointer(PyObject), cython.cast(Runnable, first).next
        )
        RING_TAKE(
            cython.cast(Runnable, anchor),
            cython.cast(Runnable, first),
            cython.cast(Runnable, second),
        )
        return first

    def count(self, level: cython.int):
        """Returns how many runnables stand at a level, by counting them."""
        anchor: cython.pointer(PyObject) = self.anchors[level]
        runnable: cython.pointer(PyObject) = anchor
        found: cython.ulonglong = 0
        while True:
            runnable = cython.cast(cython.pointer(PyObject), cython.cast(Runnable, runnable).next)
            if runnable == anchor:
                return found
            found += 1
