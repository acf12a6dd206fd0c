"""`io`: gevent's watcher of an fd.

An fd may have any number of them, beside those of asyncio's. What is stopped stays registered until
the next poll, so a socket that is waited for again and again costs no system call but the poll.
"""

import os

import cython
from cython.cimports.libc.errno import EBADF, errno
from cython.cimports.mainspring.compat.gevent.events import IoEvent, delay_for, level_for
from cython.cimports.mainspring.compat.gevent.watcher import watcher
from cython.cimports.mainspring.compat.gevent.watcher_loop import WatcherLoop
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.posix.fcntl import F_GETFD, fcntl

from mainspring.compat.gevent.watcher import EVENTS


class io(watcher):  # gevent's name
    """Happens whenever an fd is ready.

    Parameters:
        loop: the loop.
        fd: the number of an open fd.
        events: 1 to wait until it can be read, 2 written, 3 either.
        ref: False if the loop may end although the watcher is started.
        priority: from -2 to 2, higher is more urgent.

    Raises:
        ValueError: `fd` is negative, or `events` something else.
        OSError: `fd` is not open (EBADF).
    """

    def __init__(self, loop: WatcherLoop, fd, events, ref=True, priority=None):
        watcher.__init__(self, loop, ref, priority)
        self.mask = check_events(events)
        self.number_of_fd = check_fd(fd)

    def start(self, callback, *args, pass_events=False):
        """Has `callback(*args)` called whenever the fd is ready, until `stop()`.

        Parameters:
            callback: what to call.
            pass_events: True to call it with the mask of what is ready before `args`.
        """
        self.begin(callback, (EVENTS, *args) if pass_events else args)

    def arm(self):
        event: IoEvent = self.event
        if event is None:
            event = IoEvent.__new__(IoEvent)
            event.loop = self.loop.scheduler
            event.fd = self.number_of_fd
            event.priority = self.number
            event.delay = delay_for(self.number)
            self.event = event
        event.base_level = level_for(self.number)
        event.left = event.delay
        event.target = self
        # Still listed: still registered, as it was started before.
        if not event.is_listed:
            self.register(event)
        return 0

    def register(self, event: IoEvent):
        try:
            self.loop.scheduler.check_free(event.fd)
            self.loop.scheduler.fds.add(event, self.mask)
        except PermissionError:
            # epoll takes no regular files: they are always ready.
            event.interest = self.mask
            event.is_file = True
            self.loop.files.append(event)
        except OSError as exc:
            if exc.errno != EBADF:
                event.target = None
                raise
            # Whoever waits is to find that out by the next call on the fd.
            event.ready = self.mask
            self.loop.queue_event(event, event.base_level)
        except BaseException:
            event.target = None
            raise
        return 0

    def disarm(self):
        event: IoEvent = self.event
        if event is None or event.target is None:
            return 0
        event.target = None
        event.ready = 0
        event.unlink()
        if event.is_file:
            event.is_file = False
            self.loop.files.remove(event)
        elif event.interest and not event.is_listed:
            event.is_listed = True
            self.loop.stopped.append(event)
        return 0

    def give_back(self):
        event: IoEvent = self.event
        if event is not None:
            # A new one next time; who has the fd then may be somebody else.
            self.event = None
            if event.is_listed and self.loop.scheduler is not None:
                event.is_listed = False
                self.loop.stopped.remove(event)
                self.loop.scheduler.fds.remove(event)
        return 0

    def is_pending(self):
        return self.event is not None and self.event.prev != cython.NULL

    def fail(self):
        # It would fail for ever: the fd is still ready.
        self.loop.fail_for(self)
        self.end()
        return 0

    @property
    def fd(self):
        """The number of the fd; it can't be changed while the watcher is started."""
        return self.number_of_fd

    @fd.setter
    def fd(self, value):
        self.check_inactive("fd")
        number: cython.int = check_fd(value)
        self.give_back()
        self.number_of_fd = number

    @property
    def events(self):
        """1 to wait until the fd can be read, 2 written, 3 either; unchangeable while started."""
        return self.mask

    @events.setter
    def events(self, value):
        self.check_inactive("events")
        mask: cython.int = check_events(value)
        self.give_back()
        self.mask = mask

    @property
    def events_str(self):
        """What `events` is, in words."""
        return "|".join([name for bit, name in NAMES if self.mask & bit])

    @property
    def priority(self):
        """From -2 to 2; higher is more urgent. It can't be changed while the watcher is started."""
        return self.number

    @priority.setter
    def priority(self, value):
        watcher.priority.__set__(self, value)
        self.give_back()

    def _format(self):
        return f" fd={self.number_of_fd} events={self.events_str}"


NAMES = ((READ, "READ"), (WRITE, "WRITE"))


def check_events(events):
    if events & ~(READ | WRITE):
        raise ValueError(f"events must be 1 (read), 2 (write) or 3 (both), not {events!r}")
    return events


def check_fd(fd):
    number: cython.int = fd
    if number < 0:
        raise ValueError(f"an fd must not be negative, as {fd!r} is")
    if fcntl(number, F_GETFD) < 0:
        raise OSError(errno, f"fd {fd} can't be watched: {os.strerror(errno)}")
    return number
