"""`Channel`: the fd of a green socket, how long it may wait, and its bytes.

What reads stays registered with the loop for the next read. If the last one took all that there
was, the next waits without trying: the poll will tell. So an echo takes three system calls, poll,
receive and send. Reads and writes are the system's own calls with MSG_DONTWAIT, made with the GIL
held: the socket itself stays as blocking as the user has made it, for whoever else has the fd (a
child process, a library, the code of an OS thread).

Whoever never has to wait gives way to others when its slice is over, before it tries: what is read
is always handed over.
"""

import os
from errno import EBADF
from select import POLLIN, POLLOUT, poll

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cython.cimports.cpython.exc import PyErr_CheckSignals, PyErr_SetFromErrno
from cython.cimports.libc.errno import EAGAIN, EINTR, errno
from cython.cimports.libc.math import INFINITY
from cython.cimports.mainspring.core.clock import monotonic_ns
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.scheduler import READ_BUFFER_SIZE
from cython.cimports.mainspring.core.watching import WatchScheduler
from cython.cimports.mainspring.green.call import in_green_call
from cython.cimports.mainspring.green.fd_wait import (
    CLOSED,
    EXPIRED,
    GET_RUNNING_LOOP,
    READY,
    SPARE,
    FdWait,
    let_others_run,
    slice_is_over,
)
from cython.cimports.mainspring.green.system import MSG_DONTWAIT
from cython.cimports.mainspring.net.system import c_recv, c_send

from mainspring.green.other_loops import close_on_other_loops, wait_on_other_loop

# Up to this a read goes into a fresh `bytes`, beyond through the loop's buffer; not measured.
SMALL = cython.declare(cython.Py_ssize_t, 512)
POLL_LIMIT = cython.declare(cython.longlong, 0x7FFFFFFF)

ORIGINAL_POLL = cython.declare(object, poll)
INTEREST_IN_POLL = cython.declare(tuple, (0, POLLIN, POLLOUT))


@cython.final
@cython.cclass
class Channel:
    """What a green socket waits and transfers with.

    Parameters:
        fd: the socket's fd.
    """

    def __cinit__(self, fd: cython.int):
        self.fd = fd
        self.timeout = -1.0

    def close(self):
        """Tells who waits that the fd is about to be closed, or belongs to somebody else from now.

        Must be called before either.
        """
        fd: cython.int = self.fd
        self.fd = -1
        if self.reader is not None:
            self.reader.close()
        if self.writer is not None:
            self.writer.close()
        if self.others is not None:
            for wait in list(self.others):
                cython.cast(FdWait, wait).close()
        if fd >= 0:
            close_on_other_loops(fd)

    def attempt(self, is_write: cython.bint, function, *args):
        """Calls a function until it doesn't block, and waits in between.

        In a green call that waits, anywhere else the OS thread does, and for no longer than the
        socket's timeout.

        Parameters:
            is_write: True to wait until the socket can be written to.
            function: called with `args`; raises BlockingIOError if it would block.

        Returns:
            What the function returns.

        Raises:
            TimeoutError: the time is over.
            OSError: the socket was closed meanwhile; what the function raises.
        """
        deadline: cython.double = -1.0
        if in_green_call():
            self.give_way(GET_RUNNING_LOOP())
        while True:
            self.check_open()
            try:
                return function(*args)
            except BlockingIOError:
                pass
            if deadline < 0:
                deadline = self.deadline()
            self.get_ready(WRITE if is_write else READ, deadline)

    def wait_until_ready(self, is_write: cython.bint):
        """Waits until the socket is ready, as `attempt` does."""
        self.get_ready(WRITE if is_write else READ, self.deadline())

    def time_limit(self):
        """Returns when a wait that begins now must end, for `wait_until`."""
        return self.deadline()

    def wait_until(self, is_write: cython.bint, deadline: cython.double):
        """Waits until the socket is ready; raises TimeoutError at a `time_limit`."""
        self.get_ready(WRITE if is_write else READ, deadline)

    def receive(self, size: cython.Py_ssize_t):
        buffer: cython.p_char
        count: cython.Py_ssize_t
        loop = GET_RUNNING_LOOP()
        if size <= SMALL or not isinstance(loop, WatchScheduler):
            chunk = PyBytes_FromStringAndSize(cython.NULL, size)
            count = self.receive_into(PyBytes_AS_STRING(chunk), size)
            return chunk if count == size else chunk[:count]
        # Nobody else reads between the system's call and the copy.
        buffer = cython.cast(WatchScheduler, loop).buffer_for_reading()
        count = self.receive_into(
            buffer, min(size, cython.cast(cython.Py_ssize_t, READ_BUFFER_SIZE))
        )
        return PyBytes_FromStringAndSize(buffer, count)

    def receive_into(self, buffer: cython.p_char, size: cython.Py_ssize_t):
        """Receives up to `size` bytes; returns how many."""
        count: cython.Py_ssize_t
        deadline: cython.double = -1.0
        loop = GET_RUNNING_LOOP()
        if self.is_known_empty(loop):
            deadline = self.deadline()
            self.wait(loop, READ, self.timeout)
        else:
            self.give_way(loop)
        while True:
            self.check_open()
            count = c_recv(self.fd, buffer, size, MSG_DONTWAIT)
            if count >= 0:
                self.is_drained = 0 < count < size
                return count
            if errno == EAGAIN:
                self.is_drained = True
            deadline = self.after_failure(READ, deadline)

    def send(self, data: cython.p_const_char, size: cython.Py_ssize_t, flags: cython.int):
        """Sends what the system takes now, at least something; returns how many bytes."""
        count: cython.Py_ssize_t
        deadline: cython.double = -1.0
        self.give_way(GET_RUNNING_LOOP())
        while True:
            self.check_open()
            count = c_send(self.fd, data, size, flags | MSG_DONTWAIT)
            if count >= 0:
                return count
            deadline = self.after_failure(WRITE, deadline)

    def send_all(self, data: cython.p_const_char, size: cython.Py_ssize_t, flags: cython.int):
        """Sends everything within the socket's timeout."""
        count: cython.Py_ssize_t
        sent: cython.Py_ssize_t = 0
        deadline: cython.double = -1.0
        self.give_way(GET_RUNNING_LOOP())
        while True:
            self.check_open()
            count = c_send(self.fd, data + sent, size - sent, flags | MSG_DONTWAIT)
            if count >= 0:
                sent += count
                if sent >= size:
                    return 0
            else:
                deadline = self.after_failure(WRITE, deadline)

    def after_failure(self, interest: cython.int, deadline: cython.double):
        """Waits, after a call of the system that failed, until it may be tried again.

        Parameters:
            interest: what the call needs.
            deadline: when the wait must end; negative before the first wait.

        Returns:
            The deadline of further waits, which doesn't move.

        Raises:
            TimeoutError: the time is over.
            OSError: why the call failed, if it will fail again.
        """
        if errno == EINTR:
            PyErr_CheckSignals()
        elif errno == EAGAIN:
            if deadline < 0:
                deadline = self.deadline()
            self.get_ready(interest, deadline)
        else:
            PyErr_SetFromErrno(OSError)
        return deadline

    def deadline(self):
        """Returns when a wait that begins now must end, in seconds; infinite without a timeout."""
        return INFINITY if self.timeout < 0 else monotonic_ns() / 1e9 + self.timeout

    def check_open(self):
        if self.fd < 0:
            raise OSError(EBADF, os.strerror(EBADF))
        return 0

    def give_way(self, loop):
        if isinstance(loop, WatchScheduler) and slice_is_over(loop):
            let_others_run()
        return 0

    def is_known_empty(self, loop):
        """Returns True if the last poll has found nothing to read, and the next will tell."""
        reader: FdWait = self.reader
        return (
            self.is_drained
            and reader is not None
            and reader.outcome == SPARE
            and reader.interest != 0
            and reader.loop is loop
        )

    def get_ready(self, interest: cython.int, deadline: cython.double):
        """Waits for the socket; at a deadline raises TimeoutError."""
        timeout: cython.double = -1.0
        self.check_open()
        if deadline != INFINITY:
            timeout = max(0.0, deadline - monotonic_ns() / 1e9)
        if in_green_call():
            return self.wait(GET_RUNNING_LOOP(), interest, timeout)
        return _wait_in_thread(self.fd, interest, timeout)

    def wait(self, loop, interest: cython.int, timeout: cython.double):
        """Has the current green call wait."""
        wait: FdWait
        outcome: cython.int
        if not isinstance(loop, WatchScheduler):
            if not wait_on_other_loop(loop, self.fd, interest, timeout):
                raise TimeoutError("timed out")
            return 0
        wait = self.take_wait(loop, interest)
        try:
            outcome = wait.wait(loop, self.fd, interest, timeout)
        finally:
            if self.others is not None and wait in self.others:
                self.others.remove(wait)
        wait.end(outcome == READY and wait is self.reader)
        if outcome == EXPIRED:
            raise TimeoutError("timed out")
        if outcome == CLOSED:
            raise OSError(EBADF, os.strerror(EBADF))
        return 0

    def take_wait(self, loop, interest: cython.int):
        """Returns what to wait with: the one of last time, if nobody else waits with it."""
        wait: FdWait = self.reader if interest == READ else self.writer
        if wait is not None and wait.outcome != SPARE:
            wait = FdWait.__new__(FdWait)
            if self.others is None:
                self.others = []
            self.others.append(wait)
            return wait
        if wait is None or (wait.interest != 0 and wait.loop is not loop):
            # One that another loop knows is found there to be spare, when the socket is ready.
            wait = FdWait.__new__(FdWait)
            if interest == READ:
                self.reader = wait
            else:
                self.writer = wait
        return wait


@cython.cfunc
@cython.exceptval(-1)
def _wait_in_thread(fd: cython.int, interest: cython.int, timeout: cython.double) -> cython.int:
    """Blocks this OS thread until an fd is ready; after `timeout` seconds raises TimeoutError."""
    left: cython.longlong = -1
    poller = ORIGINAL_POLL()
    poller.register(fd, INTEREST_IN_POLL[interest])
    deadline: cython.double = monotonic_ns() / 1e9 + timeout
    while True:
        if timeout >= 0:
            # Never early.
            left = cython.cast(
                cython.longlong, max(0.0, deadline - monotonic_ns() / 1e9) * 1000 + 0.999
            )
        if poller.poll(min(left, POLL_LIMIT)):
            return 0
        if timeout >= 0 and monotonic_ns() / 1e9 >= deadline:
            raise TimeoutError("timed out")
