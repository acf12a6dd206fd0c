"""Who watches which fd. `Watcher` is a runnable that an fd's readiness queues; `FdTable` owns them.

Invariants: what the poller has registered for an fd is the union of what its watchers want, and
nothing when they want nothing; when a change is refused, nothing has changed. Each number has a
generation that moves on when its last watcher leaves, so an event that was still on its way for
the file before is told from news of the file that has the number now.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Realloc
from cython.cimports.mainspring.core.poller import Event, Poller
from cython.cimports.mainspring.core.run_queue import RunQueue
from cython.cimports.mainspring.core.runnable import Runnable


class Watcher(Runnable):
    """Runs when its fd is ready; by itself a callback, of which a transport is a subclass."""

    def run(self):
        self.ready = 0
        return Runnable.run(self)

    def move_to(self, queue: RunQueue, level: cython.int):
        """Has it run at another level from now on, if it is queued already, too."""
        self.base_level = level
        if self.prev != cython.NULL:
            queue.push(self, level)
        return 0


class FdTable:
    """The watchers of one loop, by fd. One fd may have several."""

    def __cinit__(self, poller: Poller, queue: RunQueue):
        self.poller = poller
        self.queue = queue
        self.watchers = []

    def __dealloc__(self):
        PyMem_Free(self.states)

    def first(self, fd: cython.int):
        """Returns the first watcher of an fd, or None; `sibling` leads to the next."""
        if fd < 0 or fd >= self.size:
            return None
        return self.watchers[fd]

    def add(self, watcher: Watcher, interest: cython.int):
        """Adds a watcher of `watcher.fd`.

        Raises:
            OSError: the fd can't be watched (PermissionError for a regular file under epoll).
        """
        fd: cython.int = watcher.fd
        if fd < 0:
            raise ValueError(f"invalid file descriptor: {fd}")
        if fd >= self.size:
            self.make_room(fd)
        self.remove_spare(fd)
        watcher.interest = interest
        watcher.sibling = self.watchers[fd]
        self.watchers[fd] = watcher
        if watcher.sibling is None:
            self.states[fd].is_internal = watcher.is_internal
        try:
            self.register(fd)
            if watcher.sibling is not None and interest:
                # Whoever was here may have been left behind by a file that had the number before.
                self.refresh(fd)
        except BaseException:
            watcher.interest = 0
            self.watchers[fd] = watcher.sibling
            watcher.sibling = None
            raise
        return 0

    def remove(self, watcher: Watcher):
        """Takes a watcher away, also from the run queue; does nothing when it isn't there."""
        fd: cython.int = watcher.fd
        other: Watcher = self.first(fd)
        before: Watcher = None
        while other is not None and other is not watcher:
            before = other
            other = other.sibling
        if other is None:
            return 0
        if before is None:
            self.watchers[fd] = watcher.sibling
        else:
            before.sibling = watcher.sibling
        watcher.sibling = None
        watcher.interest = 0
        watcher.ready = 0
        watcher.unlink()
        try:
            self.register(fd)
        except OSError:
            # Closed without a word to the loop: whatever there was to end has ended.
            self.forget(fd)
        if self.watchers[fd] is None:
            self.states[fd].generation += 1
        return 0

    def remove_spare(self, fd: cython.int):
        """Takes away the watchers of an fd that are kept with nobody waiting."""
        watcher: Watcher = self.watchers[fd]
        while watcher is not None:
            sibling: Watcher = watcher.sibling
            if watcher.is_spare:
                self.remove(watcher)
            watcher = sibling
        return 0

    def set_interest(self, watcher: Watcher, interest: cython.int):
        """Changes what a watcher wants to know; what it no longer wants is forgotten.

        Raises:
            OSError: the fd can't be watched for what is new. To want less never fails.
        """
        before: cython.int = watcher.interest
        if before == interest:
            return 0
        watcher.interest = interest
        try:
            self.register(watcher.fd)
        except BaseException as exc:
            if interest & ~before or not isinstance(exc, OSError):
                watcher.interest = before
                raise
            # Closed without a word to the loop, and the number is a file's that can't be watched:
            # whatever there was to end has ended.
            self.forget(watcher.fd)
        watcher.ready &= interest
        return 0

    def register(self, fd: cython.int):
        """Tells the poller what the watchers of an fd want now."""
        mask: cython.int = 0
        registered: cython.int = self.states[fd].registered
        watcher: Watcher = self.watchers[fd]
        while watcher is not None:
            mask |= watcher.interest
            watcher = watcher.sibling
        if mask == registered:
            return 0
        self.poller.set(fd, mask, registered, self.states[fd].generation)
        self.states[fd].registered = mask
        if not self.states[fd].is_internal:
            self.watched += (mask != 0) - (registered != 0)
        return 0

    def forget(self, fd: cython.int):
        """Takes note that the system has nothing registered for an fd any more."""
        if self.states[fd].registered:
            self.states[fd].registered = 0
            if not self.states[fd].is_internal:
                self.watched -= 1

    def dispatch(self):
        """Queues the watchers of all fds that the poller's last wait found ready."""
        index: cython.int
        fd: cython.int
        hit: cython.int
        is_stale: cython.bint = False
        event: cython.pointer(Event)
        watcher: Watcher
        for index in range(self.poller.count):
            event = cython.address(self.poller.events[index])
            fd = event.fd
            if fd >= self.size or self.states[fd].generation != event.generation:
                is_stale = True
                continue
            watcher = self.watchers[fd]
            if watcher is None:
                is_stale = True
            while watcher is not None:
                hit = watcher.interest & event.mask
                if hit:
                    watcher.ready |= hit
                    if watcher.is_internal:
                        watcher.run()
                    elif watcher.prev == cython.NULL:
                        self.queue.push(watcher, watcher.base_level)
                watcher = watcher.sibling
        self.poller.count = 0
        if is_stale:
            self.rebuild()
        return 0

    def rebuild(self):
        """Registers everything afresh: the system's set knows files that nobody watches here."""
        fd: cython.int
        self.poller.reset()
        for fd in range(self.size):
            if self.states[fd].registered:
                self.states[fd].generation += 1
                try:
                    self.poller.set(fd, self.states[fd].registered, 0, self.states[fd].generation)
                except OSError:
                    # Closed without a word to the loop; whoever watched it is told nothing more.
                    self.forget(fd)
        return 0

    def refresh(self, fd: cython.int):
        """Registers an fd again as it stands: its number may belong to another file by now."""
        if fd < self.size and self.states[fd].registered:
            self.poller.set(
                fd,
                self.states[fd].registered,
                self.states[fd].registered,
                self.states[fd].generation,
            )
        return 0

    def make_room(self, fd: cython.int):
        size: cython.Py_ssize_t = max(64, 2 * self.size, fd + 1)
        grown: cython.p_void = PyMem_Realloc(
            self.states, size * cython.cast(cython.size_t, cython.sizeof(FdState))
        )
        if grown == cython.NULL:
            raise MemoryError
        self.states = cython.cast(cython.pointer(FdState), grown)
        index: cython.Py_ssize_t
        for index in range(self.size, size):
            self.states[index].registered = 0
            self.states[index].generation = 0
            self.states[index].is_internal = False
        self.watchers.extend([None] * (size - self.size))
        self.size = size
        return 0

    def clear(self):
        """Takes all watchers away; for a loop that closes."""
        fd: cython.int
        watcher: Watcher
        for fd in range(self.size):
            watcher = self.watchers[fd]
            while watcher is not None:
                self.remove(watcher)
                watcher = self.watchers[fd]
        return 0
