"""`EpollPoller`: Linux. Level-triggered, an fd and its generation packed into epoll's data word.

An epoll set holds open files, not numbers: it goes on reporting a file whose number was closed
here while a copy of it lives elsewhere (a fork, a dup), and then nothing can take it out by number.
So the loop deregisters before it closes, tells strangers by their generation, and as the last
resort starts a new set (`reset`).
"""

import os

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc
from cython.cimports.libc.errno import EBADF, EEXIST, EINTR, EMFILE, ENFILE, ENOENT, errno
from cython.cimports.mainspring.core.epoll import (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLIN,
    EPOLLOUT,
    c_close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait_ns,
)
from cython.cimports.mainspring.core.gate import PyThreadState, release, retake
from cython.cimports.mainspring.core.poller import READ, WRITE, Event, Poller


class EpollPoller(Poller):
    """epoll(7)."""

    def __cinit__(self):
        self.epfd = -1
        self.raw_capacity = 256
        self.raw = cython.cast(
            cython.pointer(epoll_event),
            PyMem_Malloc(
                self.raw_capacity * cython.cast(cython.size_t, cython.sizeof(epoll_event))
            ),
        )
        if self.raw == cython.NULL:
            raise MemoryError
        self.reset()

    def __dealloc__(self):
        PyMem_Free(self.raw)
        if self.epfd >= 0:
            # The C function: this may come so late that the module's names are gone.
            c_close(self.epfd)

    def fileno(self):
        """Returns the fd of the epoll set, -1 when closed."""
        return self.epfd

    def set(
        self,
        fd: cython.int,
        mask: cython.int,
        registered: cython.int,
        generation: cython.uint,
    ):
        event: epoll_event
        operation: cython.int = EPOLL_CTL_MOD
        if mask == 0:
            operation = EPOLL_CTL_DEL
        elif registered == 0:
            operation = EPOLL_CTL_ADD
        event.events = 0
        if mask & READ:
            event.events |= EPOLLIN
        if mask & WRITE:
            event.events |= EPOLLOUT
        event.data.u64 = (cython.cast(cython.ulonglong, generation) << 32) | cython.cast(
            cython.uint, fd
        )
        if epoll_ctl(self.epfd, operation, fd, cython.address(event)) == 0:
            return 0
        # Closed behind the loop's back, the number perhaps reused: there is nothing to end, and
        # what we took for a change is a first registration (or the reverse).
        if operation == EPOLL_CTL_DEL and (errno == ENOENT or errno == EBADF):
            return 0
        if operation == EPOLL_CTL_MOD and errno == ENOENT:
            operation = EPOLL_CTL_ADD
        elif operation == EPOLL_CTL_ADD and errno == EEXIST:
            operation = EPOLL_CTL_MOD
        else:
            raise OSError(errno, f"fd {fd} can't be watched: {os.strerror(errno)}")
        if epoll_ctl(self.epfd, operation, fd, cython.address(event)) < 0:
            raise OSError(errno, f"fd {fd} can't be watched: {os.strerror(errno)}")
        return 0

    def wait(self, timeout: cython.longlong, release_gil: cython.bint):
        count: cython.int
        index: cython.int
        event: cython.pointer(Event)
        flags: cython.uint
        gate: cython.p_void = cython.NULL if self.gate is None else self.gate.state
        state: cython.pointer(PyThreadState)
        self.count = 0
        if release_gil:
            state = release(gate)
            count = epoll_wait_ns(self.epfd, self.raw, self.raw_capacity, timeout)
            retake(gate, state)
        else:
            count = epoll_wait_ns(self.epfd, self.raw, self.raw_capacity, timeout)
        if count < 0:
            if errno == EINTR:
                return 0
            raise OSError(errno, f"epoll_wait failed: {os.strerror(errno)}")
        if count > self.capacity:
            self.reserve(count)
        for index in range(count):
            flags = self.raw[index].events
            event = cython.address(self.events[index])
            # Cut off by the cast: 0xFFFFFFFF is a Python int here, and so would the result be.
            event.fd = cython.cast(cython.uint, self.raw[index].data.u64)
            event.generation = self.raw[index].data.u64 >> 32
            # An error or a hang-up is news for both sides: the next call on the fd tells which.
            event.mask = (READ if flags & ~EPOLLOUT else 0) | (WRITE if flags & ~EPOLLIN else 0)
        self.count = count
        if count == self.raw_capacity and count < 16384:
            self.grow()
        return count

    def grow(self):
        """Doubles the array: a full one means that more was ready than it could take."""
        grown: cython.p_void = PyMem_Malloc(
            2 * self.raw_capacity * cython.cast(cython.size_t, cython.sizeof(epoll_event))
        )
        if grown == cython.NULL:
            return
        PyMem_Free(self.raw)
        self.raw = cython.cast(cython.pointer(epoll_event), grown)
        self.raw_capacity *= 2

    def reset(self):
        epfd: cython.int = epoll_create1(EPOLL_CLOEXEC)
        if epfd < 0 and self.epfd >= 0 and (errno == EMFILE or errno == ENFILE):
            # No number is left; the old set's will do.
            c_close(self.epfd)
            self.epfd = -1
            epfd = epoll_create1(EPOLL_CLOEXEC)
        if epfd < 0:
            raise OSError(errno, f"epoll_create1 failed: {os.strerror(errno)}")
        if self.epfd >= 0:
            os.close(self.epfd)
        self.epfd = epfd
        return 0

    def close(self):
        epfd: cython.int = self.epfd
        self.epfd = -1
        if epfd >= 0:
            os.close(epfd)
        return 0
