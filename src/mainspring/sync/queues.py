"""`Queue`, `LifoQueue` and `PriorityQueue`: asyncio's, for every model.

An item that comes while getters wait goes to one of them at once, and a place that is free while
putters wait is promised to one: the most urgent first, and among equals the one that came first. So
while anybody waits to get there is no item, and nobody is overtaken. A getter that is cancelled
after that puts its item back in front; a putter puts its item when it goes on, and not at all if it
is cancelled.
"""

import _thread
import heapq
import types
from asyncio import QueueEmpty, QueueFull
from collections import deque

import cython
from cython.cimports.mainspring.sync.wait import Wait
from cython.cimports.mainspring.sync.waiters import CLOSED, EXPIRED, GIVEN, Waiter, Waiters

from mainspring.sync.errors import QueueShutDown


@cython.final
@cython.cclass
class Unguarded:
    """A mutex for what is done in one go anyway."""

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        return False


UNGUARDED = cython.declare(object, Unguarded())


class Queue:
    """A queue: first in, first out.

    A subclass may store its items in its own way: `_init(maxsize)`, `_put(item)`, `_get()`.

    Parameters:
        maxsize: how many items it takes before `put` waits; any number with 0 or less.
    """

    def __cinit__(self, *args, **kwargs):
        self.getters = Waiters.__new__(Waiters)
        self.putters = Waiters.__new__(Waiters)
        self.joiners = Waiters.__new__(Waiters)

    def __init__(self, maxsize=0):
        self.maxsize = maxsize
        # A deque and a list change in one go; what compares items or is a subclass's own may not.
        is_plain = type(self) is Queue or type(self) is LifoQueue
        self.mutex = UNGUARDED if is_plain else _thread.RLock()
        self._init(maxsize)

    @classmethod
    def __class_getitem__(cls, item):
        return types.GenericAlias(cls, item)

    def _init(self, maxsize):
        self._queue = deque()

    def _get(self):
        return self._queue.popleft()

    def _put(self, item):
        self._queue.append(item)

    def _put_back(self, item):
        if type(self)._put is Queue._put:
            self._queue.appendleft(item)
        else:
            self._put(item)

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} {self._format()}>"

    def __str__(self):
        return f"<{type(self).__name__} {self._format()}>"

    def _format(self):
        shown = f"maxsize={self.maxsize!r}"
        if self._queue:
            shown += f" _queue={list(self._queue)!r}"
        if self.getters.count:
            shown += f" _getters[{self.getters.count}]"
        if self.putters.count:
            shown += f" _putters[{self.putters.count}]"
        if self.unfinished:
            shown += f" tasks={self.unfinished}"
        if self.is_shut:
            shown += " shutdown"
        return shown

    def qsize(self):
        """Returns how many items are in the queue."""
        return len(self._queue)

    def empty(self):
        """Returns True if no item is in the queue."""
        return not self._queue

    def full(self):
        """Returns True if there is no place for another item."""
        return self.is_full()

    def is_full(self):
        if self.maxsize <= 0:
            return False
        return self.qsize() + self.promised >= self.maxsize

    def put(self, item):
        """Puts an item into the queue; waits until there is a place for it.

        Returns:
            An awaitable `Wait`.

        Raises:
            QueueShutDown: when awaited, if the queue was shut down.
        """
        wait: PutWait = PutWait.__new__(PutWait)
        wait.queue = self
        wait.item = item
        return wait

    def put_nowait(self, item):
        """Puts an item into the queue, if there is a place for it.

        Raises:
            asyncio.QueueFull: there is none.
            QueueShutDown: the queue was shut down.
        """
        with self.mutex:
            if self.is_shut:
                raise QueueShutDown
            if self.is_full():
                raise QueueFull
            self.add(item)
        self.settle()

    def add(self, item):
        self._put(item)
        self.unfinished += 1
        return 0

    def get(self):
        """Takes an item out of the queue; waits until there is one.

        Returns:
            An awaitable `Wait`, whose result is the item.

        Raises:
            QueueShutDown: when awaited, if the queue was shut down and is empty.
        """
        wait: GetWait = GetWait.__new__(GetWait)
        wait.queue = self
        return wait

    def get_nowait(self):
        """Takes an item out of the queue, if there is one.

        Raises:
            asyncio.QueueEmpty: there is none.
            QueueShutDown: there is none, and the queue was shut down.
        """
        with self.mutex:
            if self.empty():
                if self.is_shut:
                    raise QueueShutDown
                raise QueueEmpty
            item = self._get()
        self.settle()
        return item

    def settle(self):
        """Serves those that wait, as far as there are items and places."""
        wait: Waiter
        while self.getters.count > 0 or self.putters.count > 0:
            with self.mutex:
                wait = self.next_served()
            if wait is None:
                break
            if not wait.wake():
                wait.state = CLOSED
                cython.cast(Wait, wait).give_back()
        return 0

    def next_served(self):
        """Returns one that has got what it waits for, or None."""
        wait: Waiter = None
        if self.getters.count > 0 and not self.empty():
            wait = self.getters.choose()
            if wait is not None:
                wait.result = self._get()
                wait.state = GIVEN
                return wait
        if self.putters.count > 0 and not self.is_full():
            wait = self.putters.choose()
            if wait is not None:
                self.promised += 1
                wait.state = GIVEN
        return wait

    def look_again(self, wait: Wait):
        """Called when one has begun to wait: a subclass's own code may have let others between."""
        if self.mutex is UNGUARDED:
            return 0
        if self.is_shut and wait.waiters is not None:
            wait.waiters.remove(wait)
            wait.error = QueueShutDown()
            wait.state = EXPIRED
        return self.settle()

    def task_done(self):
        """Says that an item which was taken out is finished with.

        Raises:
            ValueError: said more often than items were put in.
        """
        if self.unfinished <= 0:
            raise ValueError("task_done() called too many times")
        self.unfinished -= 1
        if self.unfinished == 0:
            self.joiners.wake_all()

    def join(self):
        """Waits until all items that were put in are finished with.

        Returns:
            An awaitable `Wait`.
        """
        wait: JoinWait = JoinWait.__new__(JoinWait)
        wait.queue = self
        return wait

    def shutdown(self, immediate=False):
        """Shuts the queue down: nothing is put in any more, and what waits for that fails.

        Parameters:
            immediate: True to drop the items too, as finished with.
        """
        waits: list
        with self.mutex:
            self.is_shut = True
            if immediate:
                self.is_dropped = True
                while not self.empty():
                    self._get()
                    if self.unfinished > 0:
                        self.unfinished -= 1
            waits = self.getters.take_all() + self.putters.take_all()
            for one in waits:
                cython.cast(Wait, one).error = QueueShutDown()
                cython.cast(Wait, one).state = EXPIRED
        if immediate and self.unfinished == 0:
            self.joiners.wake_all()
        for one in waits:
            cython.cast(Wait, one).wake()


class LifoQueue(Queue):
    """A queue from which what was put in last is taken first."""

    def _init(self, maxsize):
        self._queue = []

    def _put(self, item):
        self._queue.append(item)

    def _get(self):
        return self._queue.pop()


class PriorityQueue(Queue):
    """A queue from which the lowest item is taken first; items are often `(number, data)`."""

    def _init(self, maxsize):
        self._queue = []

    def _put(self, item):
        heapq.heappush(self._queue, item)

    def _get(self):
        return heapq.heappop(self._queue)


class PutWait(Wait):
    """Waits for a place, and puts an item there."""

    def attempt(self):
        queue: Queue = self.queue
        with queue.mutex:
            if queue.is_shut:
                raise QueueShutDown
            if queue.is_full():
                return False
            queue.add(self.item)
        queue.settle()
        return True

    def enlist(self):
        return self.queue.putters.add(self)

    def enlisted(self):
        return self.queue.look_again(self)

    def finish(self):
        queue: Queue = self.queue
        if self.state == EXPIRED:
            return True
        with queue.mutex:
            queue.promised -= 1
            if queue.is_shut:
                self.error = QueueShutDown()
            else:
                queue.add(self.item)
        queue.settle()
        return True

    def give_back(self):
        self.queue.promised -= 1
        return self.queue.settle()

    def name(self):
        return f"{type(self.queue).__name__}.put"


class GetWait(Wait):
    """Waits for an item, and takes it."""

    def attempt(self):
        queue: Queue = self.queue
        with queue.mutex:
            if queue.empty():
                if queue.is_shut:
                    raise QueueShutDown
                return False
            self.result = queue._get()
        queue.settle()
        return True

    def enlist(self):
        return self.queue.getters.add(self)

    def enlisted(self):
        return self.queue.look_again(self)

    def give_back(self):
        queue: Queue = self.queue
        item = self.result
        self.result = None
        with queue.mutex:
            if not queue.is_dropped:
                queue._put_back(item)
            elif queue.unfinished > 0:
                queue.unfinished -= 1
                if queue.unfinished == 0:
                    queue.joiners.wake_all()
        return queue.settle()

    def name(self):
        return f"{type(self.queue).__name__}.get"


class JoinWait(Wait):
    """Waits until all items are finished with."""

    def attempt(self):
        return self.queue.unfinished == 0

    def enlist(self):
        return self.queue.joiners.add(self)

    def name(self):
        return f"{type(self.queue).__name__}.join"
