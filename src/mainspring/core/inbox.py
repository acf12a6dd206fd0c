"""`Inbox`: what other threads hand to the loop, and the eventfd that wakes it.

The GIL guards the ring. The eventfd is written only when the loop sleeps, and once per sleep: the
loop says that it will sleep while it still holds the GIL, after it has seen the inbox empty, so no
post can fall between. While the loop runs, a post costs no system call.
"""

import os

import cython
from cython.cimports.libc.errno import errno
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.inbox import (
    EFD_CLOEXEC,
    EFD_NONBLOCK,
    c_close,
    c_read,
    c_write,
    eventfd,
)
from cython.cimports.mainspring.core.run_queue import RunQueue
from cython.cimports.mainspring.core.runnable import Runnable, clear_ring, new_anchor


class Inbox(Watcher):
    """A ring of runnables on their way to the run queue; the watcher of its own eventfd."""

    def __cinit__(self):
        self.anchor = new_anchor()
        self.is_internal = True
        self.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self.fd < 0:
            raise OSError(errno, f"the loop's wake-up fd can't be made: {os.strerror(errno)}")

    def __dealloc__(self):
        if self.fd >= 0:
            # The C function: this may come so late that the module's names are gone.
            c_close(self.fd)

    def post(self, runnable: Runnable, level: cython.int):
        """Leaves a runnable for the loop to queue at a level; wakes the loop if it sleeps."""
        runnable.level = level
        runnable.link_before(self.anchor)
        self.mask |= 1 << level
        if self.is_loop_asleep:
            self.wake()
        return 0

    def wake(self):
        """Ends the loop's sleep, or the next one if it doesn't sleep now."""
        one: cython.ulonglong = 1
        self.is_loop_asleep = False
        if self.fd >= 0:
            # It fails only when the counter is full, and then the loop wakes anyway.
            c_write(self.fd, cython.address(one), 8)
        return 0

    def run(self):
        """Empties the eventfd."""
        count: cython.ulonglong
        self.ready = 0
        c_read(self.fd, cython.address(count), 8)
        return 0

    def drain(self, queue: RunQueue):
        """Moves everything to the run queue, in order of arrival."""
        runnable: Runnable = self.anchor.next
        while runnable is not self.anchor:
            queue.push(runnable, runnable.level)
            runnable = self.anchor.next
        self.mask = 0
        return 0

    def has_above(self, level: cython.int):
        """Returns True when something more urgent than `level` was left (or was, and cancelled)."""
        return self.mask & ((1 << level) - 1) != 0

    def close(self):
        """Lets go of what waits, and of the eventfd."""
        clear_ring(self.anchor)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        return 0

    def renew(self):
        """Opens an eventfd of this process's own, after a fork."""
        os.close(self.fd)
        self.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self.fd < 0:
            raise OSError(errno, f"the loop's wake-up fd can't be made: {os.strerror(errno)}")
        return 0


class SignalWatcher(Watcher):
    """Watches the fd to which the interpreter writes a byte a signal, and reads them away.

    Which signal it was the interpreter keeps by itself; the bytes only end the loop's sleep.
    Whoever had them before the loop ran gets them all the same, by a copy of his fd.
    """

    def __cinit__(self, fd: cython.int):
        self.fd = fd
        self.other = -1
        self.is_internal = True

    def __dealloc__(self):
        if self.other >= 0:
            c_close(self.other)

    def run(self):
        sink: cython.char[256]
        count: cython.Py_ssize_t = 256
        self.ready = 0
        while count == 256:
            count = c_read(self.fd, sink, 256)
            if count > 0 and self.other >= 0:
                c_write(self.other, sink, count)
        return 0

    def pass_on(self, fd: cython.int):
        """Passes the bytes on to an fd as well, from now on; to none when it is -1."""
        if self.other >= 0:
            c_close(self.other)
        # A copy: the fd may be closed, and its number another file's, while the loop runs.
        self.other = -1 if fd < 0 else os.dup(fd)
        return 0
