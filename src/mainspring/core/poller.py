"""`Poller`: what the loop asks the system, "which of these fds are ready?", behind four functions.

An implementation keeps nothing about fds of its own: the fd table says what was registered before.
Events lie on the heap, in an array of the poller, so that nothing points into a C stack that a
green thread may have switched away from. An event carries the generation under which its fd was
registered: the number of an fd can be reused at once, its generation is not.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Realloc
from cython.cimports.mainspring.core.poller import Event


class Poller:
    """The interface; also the base of pollers that tests write in Python."""

    def __cinit__(self):
        self.reserve(256)

    def __dealloc__(self):
        PyMem_Free(self.events)

    def set(
        self,
        fd: cython.int,
        mask: cython.int,
        registered: cython.int,
        generation: cython.uint,
    ):
        """Registers interest in an fd, changes it, or with a mask of 0 ends it.

        Parameters:
            fd: the number of the fd.
            mask: 1 to be told when it is readable, 2 when it is writable, 3 both, 0 neither.
            registered: the mask set before, 0 for none.
            generation: comes back with the fd's events.

        Raises:
            OSError: the system refuses; nothing has changed then.
        """
        raise NotImplementedError

    def wait(self, timeout: cython.longlong, release_gil: cython.bint):
        """Waits until an fd is ready, and leaves what is in the poller's events.

        Parameters:
            timeout: nanoseconds, 0 to look and not wait, -1 to wait for ever.
            release_gil: False to keep the interpreter for the short time of a look.

        Returns:
            The number of events; 0 also when a signal cut the wait short.
        """
        raise NotImplementedError

    def reset(self):
        """Starts anew with nothing registered: after a fork, or when the kernel's set is stale."""
        raise NotImplementedError

    def close(self):
        """Frees the system's resources; harmless the second time."""
        return 0

    def report(self, fd: cython.int, mask: cython.int, generation: cython.uint = 0):
        """Adds an event; for `wait` of an implementation in Python, which starts at `count` 0."""
        if self.count == self.capacity:
            self.reserve(self.capacity * 2)
        event: cython.pointer(Event) = cython.address(self.events[self.count])
        event.fd = fd
        event.mask = mask
        event.generation = generation
        self.count += 1
        return self.count

    def begin(self):
        """Drops the events of the last wait; an implementation in Python calls it first."""
        self.count = 0

    def reserve(self, capacity: cython.int):
        """Makes room for that many events."""
        grown: cython.p_void = PyMem_Realloc(
            self.events, capacity * cython.cast(cython.size_t, cython.sizeof(Event))
        )
        if grown == cython.NULL:
            raise MemoryError
        self.events = cython.cast(cython.pointer(Event), grown)
        self.capacity = capacity
        return 0
