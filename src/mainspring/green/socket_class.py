"""`socket`: the stdlib's socket, on which a green thread waits alone.

The user's timeout is this class's own, because the interpreter's socket would wait for it by
itself, and stop the loop: with a timeout, the socket below doesn't block (as in the stdlib, where
the fd is non-blocking then, too), and whoever would block waits here, in a green thread for the
loop, anywhere else with `poll`. Without one it stays blocking, and green threads ask with
MSG_DONTWAIT. What can't be asked so (to accept, to send a file) makes it non-blocking first; the
user doesn't see that ("held").
"""

import _socket
import math
import os
import socket as stdlib
from errno import EAGAIN, EWOULDBLOCK
from operator import index

import cython
from cython.cimports.cpython.buffer import (
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.cimports.mainspring.green.call import in_green_call
from cython.cimports.mainspring.green.channel import Channel
from cython.cimports.mainspring.green.system import MSG_DONTWAIT

from mainspring.green.dns import resolve
from mainspring.green.waiting import sleep

ORIGINAL = _socket.socket
ACCEPT = ORIGINAL._accept
CONNECT = ORIGINAL.connect
GETSOCKOPT = ORIGINAL.getsockopt
RECV = ORIGINAL.recv
RECV_INTO = ORIGINAL.recv_into
RECVFROM = ORIGINAL.recvfrom
RECVFROM_INTO = ORIGINAL.recvfrom_into
RECVMSG = ORIGINAL.recvmsg
RECVMSG_INTO = ORIGINAL.recvmsg_into
SEND = ORIGINAL.send
SENDALL = ORIGINAL.sendall
SENDMSG = ORIGINAL.sendmsg
SENDTO = ORIGINAL.sendto
GETTIMEOUT = ORIGINAL.gettimeout
SETTIMEOUT = ORIGINAL.settimeout
get_default_timeout = _socket.getdefaulttimeout

# Seconds: how often to try a UNIX server whose backlog is full; nothing tells when it isn't.
FIRST_PAUSE = 0.001
LONGEST_PAUSE = 0.05
# Beyond, the stdlib says what is wrong with a timeout.
LONGEST_TIMEOUT = 1e6
MOST_IN_ONE_CALL = 2**30
WAIT_FOR_ALL = stdlib.MSG_WAITALL


class socket(stdlib.socket):
    """A socket on which a green thread waits alone; for everything else the stdlib's.

    In an OS thread and in the code of coroutines and callbacks it behaves as the stdlib's does.
    Parameters, methods and errors are those of `socket.socket`.
    """

    __slots__ = ("_channel",)

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        super().__init__(family, type, proto, fileno)
        self._channel = Channel(self.fileno())
        timeout = GETTIMEOUT(self)
        if timeout is not None:
            self._take_timeout(timeout)

    def _take_timeout(self, timeout):
        channel: Channel = self._channel
        channel.timeout = timeout
        channel.is_held = timeout > 0
        if channel.is_held:
            SETTIMEOUT(self, 0.0)

    def _hold(self):
        """Makes the system's socket non-blocking, and the user doesn't see it."""
        channel: Channel = self._channel
        if not channel.is_held:
            SETTIMEOUT(self, 0.0)
            channel.is_held = True

    def _let_go(self):
        """Makes the system's socket as blocking as the user's again."""
        channel: Channel = self._channel
        if channel.timeout < 0 and channel.fd >= 0:
            SETTIMEOUT(self, None)
            channel.is_held = False

    def settimeout(self, value, /):
        channel: Channel = self._channel
        if (
            channel.is_held
            and channel.timeout > 0
            and type(value) is float
            and 0.0 < value < LONGEST_TIMEOUT
        ):
            # The system's socket is as it should be.
            channel.timeout = math.ceil(value * 1e9) / 1e9
            return
        SETTIMEOUT(self, value)
        if value is None:
            channel.timeout = -1.0
            channel.is_held = False
        else:
            self._take_timeout(GETTIMEOUT(self))

    def setblocking(self, flag, /):
        socket.settimeout(self, None if flag else 0.0)

    def gettimeout(self):
        channel: Channel = self._channel
        return None if channel.timeout < 0 else channel.timeout

    def getblocking(self):
        channel: Channel = self._channel
        return channel.timeout != 0

    @property
    def timeout(self):
        return self.gettimeout()

    def _real_close(self, *args):
        channel: Channel = self._channel
        channel.close()
        super()._real_close(*args)

    def detach(self):
        channel: Channel = self._channel
        channel.close()
        return super().detach()

    def recv(self, bufsize, flags=0, /):
        channel: Channel = self._channel
        size: cython.Py_ssize_t
        if not _asks_to_wait(channel, flags):
            return RECV(self, bufsize, flags)
        size = bufsize
        if flags == 0 and size > 0 and in_green_call():
            return channel.receive(size)
        if flags & WAIT_FOR_ALL:
            buffer = bytearray(size)
            return bytes(buffer[: _fill(self, buffer, 0, flags & ~WAIT_FOR_ALL)])
        return channel.attempt(False, RECV, self, bufsize, flags | MSG_DONTWAIT)

    def recv_into(self, buffer, nbytes=0, flags=0):
        channel: Channel = self._channel
        view: cython.Py_buffer
        if not _asks_to_wait(channel, flags):
            return RECV_INTO(self, buffer, nbytes, flags)
        if flags & WAIT_FOR_ALL:
            return _fill(self, buffer, nbytes, flags & ~WAIT_FOR_ALL)
        if flags == 0 and in_green_call():
            size: cython.Py_ssize_t = nbytes
            PyObject_GetBuffer(buffer, cython.address(view), PyBUF_WRITABLE)
            try:
                if 0 <= size <= view.len and view.len > 0:
                    return channel.receive_into(
                        cython.cast(cython.p_char, view.buf), size if size else view.len
                    )
            finally:
                PyBuffer_Release(cython.address(view))
        return channel.attempt(False, RECV_INTO, self, buffer, nbytes, flags | MSG_DONTWAIT)

    def recvfrom(self, bufsize, flags=0, /):
        return _receive(self, RECVFROM, (bufsize,), flags)

    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        return _receive(self, RECVFROM_INTO, (buffer, nbytes), flags)

    def recvmsg(self, bufsize, ancbufsize=0, flags=0, /):
        return _receive(self, RECVMSG, (bufsize, ancbufsize), flags)

    def recvmsg_into(self, buffers, ancbufsize=0, flags=0, /):
        # What an iterator yields must still be there after the first attempt.
        return _receive(self, RECVMSG_INTO, (list(buffers), ancbufsize), flags)

    def send(self, data, flags=0, /):
        channel: Channel = self._channel
        view: cython.Py_buffer
        if not _asks_to_wait(channel, flags):
            return SEND(self, data, flags)
        PyObject_GetBuffer(data, cython.address(view), PyBUF_SIMPLE)
        try:
            return channel.send(cython.cast(cython.p_const_char, view.buf), view.len, flags)
        finally:
            PyBuffer_Release(cython.address(view))

    def sendall(self, data, flags=0, /):
        channel: Channel = self._channel
        view: cython.Py_buffer
        if not _asks_to_wait(channel, flags):
            return SENDALL(self, data, flags)
        PyObject_GetBuffer(data, cython.address(view), PyBUF_SIMPLE)
        try:
            channel.send_all(cython.cast(cython.p_const_char, view.buf), view.len, flags)
        finally:
            PyBuffer_Release(cython.address(view))

    def sendto(self, *args):
        channel: Channel = self._channel
        if not 2 <= len(args) <= 3:
            # For the interpreter to say what is wrong.
            return SENDTO(self, *args)
        flags = index(args[1]) if len(args) == 3 else 0
        if not _asks_to_wait(channel, flags):
            return SENDTO(self, *args)
        address = resolve(self, args[len(args) - 1])
        return channel.attempt(True, SENDTO, self, args[0], flags | MSG_DONTWAIT, address)

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None, /):
        channel: Channel = self._channel
        if not _asks_to_wait(channel, flags):
            return SENDMSG(self, buffers, ancdata, flags, address)
        buffers, ancdata = list(buffers), list(ancdata)
        return channel.attempt(
            True, SENDMSG, self, buffers, ancdata, flags | MSG_DONTWAIT, resolve(self, address)
        )

    def _accept(self):
        channel: Channel = self._channel
        if not _waits_here(channel):
            return ACCEPT(self)
        # For good: another process that accepts from the same socket may be quicker at any time.
        self._hold()
        return channel.attempt(False, ACCEPT, self)

    def accept(self):
        fd, address = self._accept()
        connection = socket(self.family, self.type, self.proto, fileno=fd)
        if get_default_timeout() is None and self.gettimeout():
            connection.setblocking(True)
        return connection, address

    def connect(self, address, /):
        channel: Channel = self._channel
        if not _waits_here(channel):
            CONNECT(self, address)
            return
        error = self._connect(address)
        if error:
            raise OSError(error, os.strerror(error))

    def connect_ex(self, address, /):
        channel: Channel = self._channel
        if not _waits_here(channel):
            return super().connect_ex(address)
        try:
            return self._connect(address)
        except TimeoutError as exc:
            return exc.errno or EWOULDBLOCK
        except stdlib.gaierror:
            raise
        except OSError as exc:
            if exc.errno is None:
                raise
            return exc.errno

    def _connect(self, address):
        """Connects, and waits for that; returns 0 or the number of the error."""
        channel: Channel = self._channel
        deadline = channel.timeout if channel.timeout > 0 else math.inf
        pause = FIRST_PAUSE
        address = resolve(self, address)
        was_held = channel.is_held
        self._hold()
        try:
            while True:
                try:
                    CONNECT(self, address)
                    return 0
                except BlockingIOError as exc:
                    if exc.errno != EAGAIN or self.family != stdlib.AF_UNIX:
                        break
                # The backlog of a UNIX server is full: nothing is under way.
                if deadline <= 0:
                    raise TimeoutError("timed out")
                _pause(min(pause, deadline))
                deadline -= pause
                pause = min(2 * pause, LONGEST_PAUSE)
            channel.wait_until_ready(True)
            return GETSOCKOPT(self, stdlib.SOL_SOCKET, stdlib.SO_ERROR)
        finally:
            if not was_held:
                self._let_go()

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        channel: Channel = self._channel
        if not _waits_here(channel):
            return super()._sendfile_use_sendfile(file, offset, count)
        self._check_sendfile_params(file, offset, count)
        try:
            source = file.fileno()
            size = os.fstat(source).st_size
        except (AttributeError, OSError) as exc:
            # Not a regular file; io.UnsupportedOperation is an OSError, too.
            raise stdlib._GiveupOnSendfile(exc) from None
        if not size:
            return 0
        return self._send_file(file, source, offset, count)

    def _send_file(self, file, source, offset, count):
        """Sends a regular file with the system's call; returns how many bytes."""
        channel: Channel = self._channel
        total = 0
        self._hold()
        try:
            while count is None or total < count:
                most = MOST_IN_ONE_CALL if count is None else min(count - total, MOST_IN_ONE_CALL)
                try:
                    sent = channel.attempt(
                        True, os.sendfile, self.fileno(), source, offset + total, most
                    )
                except TimeoutError:
                    raise
                except OSError as exc:
                    if total == 0 and channel.fd >= 0:
                        raise stdlib._GiveupOnSendfile(exc) from None
                    raise
                if sent == 0:
                    break
                total += sent
            return total
        finally:
            if total and hasattr(file, "seek"):
                file.seek(offset + total)


# As the stdlib's own shows itself.
socket.__module__ = "mainspring.green.socket"


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _waits_here(channel: Channel) -> cython.bint:
    """Returns False where the stdlib's own method does what is wanted."""
    return channel.timeout != 0 and (channel.is_held or in_green_call())


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _asks_to_wait(channel: Channel, flags: cython.int) -> cython.bint:
    """The same for a call with flags; who says MSG_DONTWAIT waits for a timeout only, as ever."""
    return _waits_here(channel) and (channel.timeout > 0 or not flags & MSG_DONTWAIT)


@cython.cfunc
def _receive(self, function, args: tuple, flags):
    """Receives in a way that is rare; the flags are the function's last argument."""
    channel: Channel = self._channel
    if not _asks_to_wait(channel, flags):
        return function(self, *args, flags)
    return channel.attempt(False, function, self, *args, flags | MSG_DONTWAIT)


@cython.cfunc
def _fill(self, buffer, nbytes, flags):
    """Receives until a buffer is full or the peer has closed: what MSG_WAITALL asks for."""
    view = memoryview(buffer).cast("B")
    if nbytes:
        view = view[:nbytes]
    filled = 0
    while filled < len(view):
        count = self.recv_into(view[filled:], 0, flags)
        if not count:
            break
        filled += count
    return filled


@cython.cfunc
def _pause(seconds):
    # In a green thread and in an OS thread alike.
    sleep(seconds)
