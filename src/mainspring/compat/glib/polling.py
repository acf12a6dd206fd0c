"""`PollSet`: the fds of a GMainContext, looked at by poll(2), and an epoll set that ends a sleep.

GLib says before every poll which fds it wants, as numbers. What is ready it is told as poll(2) says
it, which knows hang-ups and urgent data. While the loop sleeps the fds lie in an epoll set of their
own, which is one fd to the loop, so they are nobody else's concern there. Invariant: when the loop
goes to sleep, each number's own file is in that set: a number may have been closed and reused since
the last time and nobody says so, so each is added again, which fails where it is there already.
"""

import os

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Realloc
from cython.cimports.libc.errno import EEXIST, ENOENT, errno
from cython.cimports.libc.string import memcpy
from cython.cimports.mainspring.compat.glib.polling import c_poll, pollfd
from cython.cimports.mainspring.core.epoll import (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    c_close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
)
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.poller import READ
from cython.cimports.mainspring.core.watching import WatchScheduler


class WakeUp(Watcher):
    """Watches the epoll set: it has something ready, or an fd that nobody knows any more."""

    def run(self):
        self.ready = 0
        self.has_come = True
        return 0


class PollSet:
    """The fds of one context.

    Parameters:
        scheduler: the loop.
    """

    def __cinit__(self, scheduler: WatchScheduler):
        self.epfd = -1
        self.scheduler = scheduler
        self.wake_up = WakeUp.__new__(WakeUp)
        # Run where the poll is over, and not from the run queue.
        self.wake_up.is_internal = True
        self.reserve(16)
        self.open()

    def __dealloc__(self):
        PyMem_Free(self.fds)
        PyMem_Free(self.registered)
        if self.epfd >= 0:
            # The C function: this may come so late that the module's names are gone.
            c_close(self.epfd)

    def reserve(self, capacity: cython.int):
        """Makes room for that many fds."""
        grown: cython.p_void = PyMem_Realloc(
            self.fds, capacity * cython.cast(cython.size_t, cython.sizeof(pollfd))
        )
        if grown == cython.NULL:
            raise MemoryError
        self.fds = cython.cast(cython.pointer(pollfd), grown)
        self.capacity = capacity
        return 0

    def poll(self):
        """Looks which fds are ready now."""
        has_come: cython.bint = self.wake_up.has_come
        self.wake_up.has_come = False
        if self.count > 0 and c_poll(self.fds, self.count, 0) == 0 and has_come:
            # As a rule a file whose number was closed here and that lives on elsewhere: it can't
            # be taken out of the set any more, and would end each sleep.
            self.renew()
        return 0

    def register(self):
        """Makes the epoll set what GLib wants now, before a sleep.

        Returns:
            False if the loop must not sleep: an fd can't be in an epoll set, because it isn't open
            or always ready, as a regular file is.
        """
        new: cython.int = 0
        old: cython.int = 0
        may_sleep: cython.bint = True
        event: epoll_event
        if self.registered_capacity < self.count:
            grown: cython.p_void = PyMem_Realloc(
                self.registered, self.capacity * cython.cast(cython.size_t, cython.sizeof(pollfd))
            )
            if grown == cython.NULL:
                raise MemoryError
            self.registered = cython.cast(cython.pointer(pollfd), grown)
            self.registered_capacity = self.capacity
        while new < self.count or old < self.registered_count:
            if new == self.count or (
                old < self.registered_count and self.registered[old].fd < self.fds[new].fd
            ):
                # It may be closed, or another file's; then there is nothing to take out.
                epoll_ctl(self.epfd, EPOLL_CTL_DEL, self.registered[old].fd, cython.address(event))
                old += 1
            elif old < self.registered_count and self.registered[old].fd == self.fds[new].fd:
                may_sleep &= self.register_one(
                    cython.address(self.fds[new]), cython.address(self.registered[old])
                )
                new += 1
                old += 1
            else:
                may_sleep &= self.register_one(cython.address(self.fds[new]), cython.NULL)
                new += 1
        if self.count > 0:
            memcpy(
                self.registered,
                self.fds,
                self.count * cython.cast(cython.size_t, cython.sizeof(pollfd)),
            )
        self.registered_count = self.count
        return may_sleep

    def register_one(
        self, wanted: cython.pointer(pollfd), before: cython.pointer(pollfd)
    ) -> cython.bint:
        """Has one fd in the set; returns False if it can't be."""
        event: epoll_event
        operation: cython.int = EPOLL_CTL_ADD
        # epoll's bits are those of poll(2).
        event.events = cython.cast(cython.ushort, wanted.events)
        event.data.u64 = cython.cast(cython.uint, wanted.fd)
        if before != cython.NULL and before.events != wanted.events:
            operation = EPOLL_CTL_MOD
        if epoll_ctl(self.epfd, operation, wanted.fd, cython.address(event)) == 0:
            return True
        if operation == EPOLL_CTL_MOD and errno == ENOENT:
            operation = EPOLL_CTL_ADD
        elif operation == EPOLL_CTL_ADD and errno == EEXIST:
            if before != cython.NULL:
                return True
            operation = EPOLL_CTL_MOD
        else:
            return False
        return epoll_ctl(self.epfd, operation, wanted.fd, cython.address(event)) == 0

    def open(self):
        """Opens the epoll set, empty."""
        self.epfd = epoll_create1(EPOLL_CLOEXEC)
        if self.epfd < 0:
            raise OSError(errno, f"epoll_create1 failed: {os.strerror(errno)}")
        self.registered_count = 0
        self.wake_up.fd = self.epfd
        self.scheduler.fds.add(self.wake_up, READ)
        return 0

    def close(self):
        """Closes the epoll set; harmless the second time."""
        if self.epfd >= 0:
            self.scheduler.fds.remove(self.wake_up)
            os.close(self.epfd)
            self.epfd = -1
        return 0

    def renew(self):
        """Begins with another set: this one is shared with a parent process, or out of order."""
        self.close()
        self.open()
        return 0
