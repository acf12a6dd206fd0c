"""`Inbox`: what a broker in this process has for one loop, handed out by a callback of that loop.

Deliveries, replies and outcomes are posted from any thread, and handed out some at a time: other
work gets its turn in between. Once per message, so it is compiled.
"""

import asyncio
from collections import deque

import cython

__all__ = ["Inbox"]

running_loop = cython.declare(object, asyncio._get_running_loop)

# Items that are handed out in one callback: some tenths of a millisecond.
BATCH = cython.declare(cython.int, 32)

# Stands for no second argument; None is one.
ALONE = cython.declare(object, object())


class Inbox:
    """Calls that are to be made in a loop.

    Parameters:
        on_closed: called when the loop turns out to be closed.

    Attributes:
        loop: the loop; None before there is one.
        is_open: whether anything is handed out.
    """

    def __init__(self, on_closed):
        self.items = deque()
        self.on_closed = on_closed

    def post(self, function, first, second):
        """Has the loop call `function(first)` or, if it isn't ALONE, `(first, second)`."""
        self.items.append((function, first, second))
        if not self.is_scheduled:
            self.schedule()
        return 0

    def schedule(self):
        """Has the items handed out; from any thread."""
        self.is_scheduled = True
        if running_loop() is self.loop:
            self.loop.call_soon(self.hand_out)
            return
        try:
            self.loop.call_soon_threadsafe(self.hand_out)
        except RuntimeError:
            self.on_closed()

    def hand_out(self):
        """Makes some of the calls."""
        item: tuple
        try:
            for _ in range(BATCH):
                if not self.is_open or not self.items:
                    break
                item = self.items.popleft()
                if item[2] is ALONE:
                    item[0](item[1])
                else:
                    item[0](item[1], item[2])
        finally:
            # What is posted in this very moment, by another thread, schedules for itself.
            self.is_scheduled = False
            if self.is_open and self.items and not self.is_scheduled:
                self.schedule()

    def drop(self, functions):
        """Drops the calls of some functions, while others may post."""
        for _ in range(len(self.items)):
            item = self.items.popleft()
            if item[0] not in functions:
                self.items.append(item)

    def hand_out_outcomes(self):
        """Makes the calls that have two arguments, now, and drops the others."""
        while self.items:
            function, first, second = self.items.popleft()
            if second is not ALONE:
                function(first, second)
