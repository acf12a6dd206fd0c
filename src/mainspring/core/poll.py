"""`PollPoller`: any POSIX system, by poll(2). One array of what is watched, and where each fd is.

poll reports a number that is not open as POLLNVAL. That counts as ready both ways, as an error
does: whoever watches it makes a call on it and learns.
"""

import os

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Realloc
from cython.cimports.libc.errno import EINTR, errno
from cython.cimports.mainspring.core.gate import PyThreadState, release, retake
from cython.cimports.mainspring.core.poll import POLLIN, POLLOUT, c_poll, pollfd
from cython.cimports.mainspring.core.poller import READ, WRITE, Poller


class PollPoller(Poller):
    """poll(2)."""

    def __cinit__(self):
        self.places = {}

    def __dealloc__(self):
        PyMem_Free(self.fds)
        PyMem_Free(self.generations)

    def set(
        self,
        fd: cython.int,
        mask: cython.int,
        registered: cython.int,
        generation: cython.uint,
    ):
        place: cython.int
        if mask == 0:
            place = self.places.pop(fd, -1)
            if place >= 0:
                self.used -= 1
                if place != self.used:
                    self.fds[place] = self.fds[self.used]
                    self.generations[place] = self.generations[self.used]
                    self.places[self.fds[place].fd] = place
            return 0
        place = self.places.get(fd, -1)
        if place < 0:
            # epoll refuses a number that is not open; poll would report it for ever.
            os.fstat(fd)
            self.make_room()
            place = self.used
            self.used += 1
            self.places[fd] = place
        self.fds[place].fd = fd
        self.fds[place].events = 0
        if mask & READ:
            self.fds[place].events |= POLLIN
        if mask & WRITE:
            self.fds[place].events |= POLLOUT
        self.generations[place] = generation
        return 0

    def wait(self, timeout: cython.longlong, release_gil: cython.bint):
        count: cython.int
        place: cython.int
        mask: cython.int
        flags: cython.int
        milliseconds: cython.int = -1
        gate: cython.p_void = cython.NULL if self.gate is None else self.gate.state
        state: cython.pointer(PyThreadState)
        self.count = 0
        if timeout >= 0:
            # Rounded up, so that a timer is never early.
            milliseconds = min((timeout + 999_999) // 1_000_000, 0x7FFFFFFF)
        if release_gil:
            state = release(gate)
            count = c_poll(self.fds, self.used, milliseconds)
            retake(gate, state)
        else:
            count = c_poll(self.fds, self.used, milliseconds)
        if count < 0:
            if errno == EINTR:
                return 0
            raise OSError(errno, f"poll failed: {os.strerror(errno)}")
        for place in range(self.used):
            flags = self.fds[place].revents
            if flags:
                mask = 0
                if flags & ~POLLOUT:
                    mask |= READ
                if flags & ~POLLIN:
                    mask |= WRITE
                self.report(self.fds[place].fd, mask, self.generations[place])
        return self.count

    def reset(self):
        self.used = 0
        self.places.clear()
        return 0

    def make_room(self):
        """Makes sure that one more fd fits."""
        if self.used < self.room:
            return 0
        room: cython.int = max(64, 2 * self.room)
        fds: cython.p_void = PyMem_Realloc(
            self.fds, room * cython.cast(cython.size_t, cython.sizeof(pollfd))
        )
        if fds == cython.NULL:
            raise MemoryError
        self.fds = cython.cast(cython.pointer(pollfd), fds)
        generations: cython.p_void = PyMem_Realloc(
            self.generations, room * cython.cast(cython.size_t, cython.sizeof(cython.uint))
        )
        if generations == cython.NULL:
            raise MemoryError
        self.generations = cython.cast(cython.pointer(cython.uint), generations)
        self.room = room
        return 0
