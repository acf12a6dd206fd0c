"""`StreamTransport`: asyncio's transport for a connected stream socket; the receiving half is here.

Reads go through one buffer of the loop and out as `bytes` of the exact size, so an idle connection
holds no buffer; after a read of 32 KiB or more the next goes straight into a fresh `bytes`,
which is shrunk (below malloc's mmap threshold, above which each read would map and unmap memory).
Each turn of a connection makes one read, so a busy one doesn't hold up the others.
"""

import asyncio
import functools
import socket
from asyncio.log import logger
from os import strerror

import cython
from cython.cimports.cpython.buffer import (
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF, PyObject
from cython.cimports.libc.errno import EAGAIN, EINTR, errno
from cython.cimports.mainspring.core.capi import (
    PyContext_Enter,
    PyContext_Exit,
    PyObject_CallOneArg,
)
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.scheduler import READ_BUFFER_SIZE, Scheduler
from cython.cimports.mainspring.net.address import peer_address
from cython.cimports.mainspring.net.system import c_recv
from cython.cimports.mainspring.net.writing import DEFAULT_HIGH_WATER, WritingTransport

MUCH = cython.declare(cython.Py_ssize_t, 32 * 1024)
FRESH_SIZE = cython.declare(cython.Py_ssize_t, 96 * 1024)


class _SocketTransport(asyncio.Transport):
    """What `type(transport)` is to `isinstance`: an `asyncio.Transport` of this loop."""

    __slots__ = ()


_SocketTransport.__name__ = _SocketTransport.__qualname__ = "StreamTransport"


class StreamTransport(WritingTransport):
    """A connected stream socket."""

    @property
    def __class__(self):
        return _SocketTransport

    def protocol_changed(self):
        protocol = self.protocol
        self.is_buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self.data_received = None
        if protocol is not None and not self.is_buffered:
            self.data_received = getattr(protocol, "data_received", None)
            if self.data_received is None:
                # Missed only when data comes, as in asyncio.
                self.data_received = functools.partial(_data_received_of, protocol)
        return 0

    def start_reading(self):
        if not self.is_paused and not self.is_closing_ and not self.is_at_end:
            self.scheduler.fds.set_interest(self, self.interest | READ)
        return 0

    def is_reading(self):
        """Returns True while the transport reads."""
        return not self.is_closing_ and not self.is_paused

    def pause_reading(self):
        """Stops reading until `resume_reading()`; the peer is held up once the buffers are full."""
        if self.is_closing_ or self.is_paused:
            return
        self.is_paused = True
        if self.interest & READ:
            self.scheduler.fds.set_interest(self, self.interest & ~READ)

    def resume_reading(self):
        """Reads again."""
        if self.is_closing_ or not self.is_paused:
            return
        self.is_paused = False
        if not self.is_starting:
            self.start_reading()

    def read_ready(self):
        size: cython.Py_ssize_t
        buffer: cython.p_char
        if self.is_buffered:
            return self.read_into_protocol()
        if self.reads_much:
            fresh: bytes = PyBytes_FromStringAndSize(cython.NULL, FRESH_SIZE)
            size = c_recv(self.fd, PyBytes_AS_STRING(fresh), FRESH_SIZE, 0)
            if size > 0:
                self.reads_much = size >= MUCH
                # Shrinking takes the only reference, and gives back another (or none).
                data: cython.pointer(PyObject) = cython.cast(cython.pointer(PyObject), fresh)
                Py_INCREF(fresh)
                fresh = None
                _PyBytes_Resize(cython.address(data), size)
                fresh = cython.cast(bytes, data)
                Py_DECREF(fresh)
                return self.deliver(fresh)
        else:
            buffer = self.scheduler.buffer_for_reading()
            size = c_recv(self.fd, buffer, READ_BUFFER_SIZE, 0)
            if size > 0:
                self.reads_much = size >= MUCH
                return self.deliver(PyBytes_FromStringAndSize(buffer, size))
        if size == 0:
            return self.end_of_file()
        return self.failed_to_read()

    def deliver(self, data):
        result: cython.pointer(PyObject) = cython.NULL
        # Kept here: the protocol may end the transport, which lets go of both.
        method = self.data_received
        context = self.context
        if PyContext_Enter(context) == 0:
            result = PyObject_CallOneArg(method, data)
            PyContext_Exit(context)
        if result == cython.NULL:
            return self.protocol_failed("data_received")
        Py_DECREF(cython.cast(object, result))
        return 0

    def read_into_protocol(self):
        view: Py_buffer
        size: cython.Py_ssize_t
        protocol = self.protocol
        try:
            buffer = self.context.run(protocol.get_buffer, -1)
            PyObject_GetBuffer(buffer, cython.address(view), PyBUF_WRITABLE)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.fatal_error(exc, "Fatal error: protocol.get_buffer() call failed.")
            return 0
        if view.len == 0:
            PyBuffer_Release(cython.address(view))
            self.fatal_error(
                RuntimeError("get_buffer() returned an empty buffer"),
                "Fatal error: protocol.get_buffer() call failed.",
            )
            return 0
        size = c_recv(self.fd, view.buf, view.len, 0)
        PyBuffer_Release(cython.address(view))
        if size < 0:
            return self.failed_to_read()
        if size == 0:
            return self.end_of_file()
        try:
            self.context.run(protocol.buffer_updated, size)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.fatal_error(exc, "Fatal error: protocol.buffer_updated() call failed.")
        return 0

    def end_of_file(self):
        self.is_at_end = True
        if self.scheduler.is_debug:
            logger.debug("%r received EOF", self)
        try:
            keep_open = self.context.run(self.protocol.eof_received)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.fatal_error(exc, "Fatal error: protocol.eof_received() call failed.")
            return 0
        if not keep_open:
            self.close()
        elif self.interest & READ:
            # Half open: the peer sends no more, and an fd at its end would be readable for ever.
            self.scheduler.fds.set_interest(self, self.interest & ~READ)
        return 0

    def failed_to_read(self):
        error: cython.int = errno
        if error != EAGAIN and error != EINTR:
            self.fatal_error(
                OSError(error, strerror(error)), "Fatal read error on socket transport"
            )
        return 0

    def _repr_info(self):
        info = WritingTransport._repr_info(self)
        if self.fd >= 0:
            info.append("read=polling" if self.interest & READ else "read=idle")
            state = "polling" if self.interest & WRITE else "idle"
            info.append(f"write=<{state}, bufsize={self.unsent}>")
        return info


def new_stream(scheduler: Scheduler, fd: cython.int, protocol, context, level: cython.int):
    """Returns a transport that owns a connected, non-blocking stream socket; `begin` starts it."""
    transport: StreamTransport = StreamTransport.__new__(StreamTransport)
    transport.scheduler = scheduler
    transport.high_water = DEFAULT_HIGH_WATER
    transport.low_water = DEFAULT_HIGH_WATER // 4
    transport.take(fd, protocol, context, level)
    return transport


def open_stream(loop: Scheduler, sock, protocol, waiter, level, server=None):
    """Starts a transport for a connected, non-blocking socket, which it closes in the end.

    Parameters:
        loop: the loop.
        sock: a `socket.socket`; it stays the owner of its fd.
        protocol: the protocol.
        waiter: a future that is done once `connection_made` was called.
        level: the level at which the connection's events run.
        server: the `Server` that it counts for.

    Returns:
        The transport.
    """
    transport: StreamTransport = new_stream(loop, sock.fileno(), protocol, None, level)
    transport.take_socket(sock)
    set_no_delay(sock)
    # Asked for now: after a reset the system knows it no more.
    peer_address(transport.fd, cython.address(transport.peer))
    transport.waiter = waiter
    transport.server = server
    transport.begin()
    return transport


def set_no_delay(sock):
    """Has TCP send small writes at once; a listening socket hands that on to what it accepts."""
    if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.proto in (0, socket.IPPROTO_TCP):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            # Reset before it began, which reading will tell.
            pass


def _data_received_of(protocol, data):
    return protocol.data_received(data)


def transports_of(loop: Scheduler, server):
    """Returns the transports of a server's connections."""
    found = []
    for watcher in loop.fds.watchers:
        while watcher is not None:
            if isinstance(watcher, asyncio.Transport):
                if cython.cast(StreamTransport, watcher).server is server:
                    found.append(watcher)
            watcher = cython.cast(Watcher, watcher).sibling
    return found
