"""`ReadingTransport`: the receiving half of a transport, of a socket or of a pipe.

Reads go through one buffer of the loop and out as `bytes` of the exact size, so an idle connection
holds no buffer; after a read of 32 KiB or more the next goes straight into a fresh `bytes`,
which is shrunk (below malloc's mmap threshold, above which each read would map and unmap memory).
Each turn of a connection makes one read, so a busy one doesn't hold up the others.
"""

import asyncio
import functools
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
    PyMethod_Check,
    PyObject_CallOneArg,
    PyObject_Vectorcall,
    method_function,
    method_self,
)
from cython.cimports.mainspring.core.poller import READ
from cython.cimports.mainspring.core.scheduler import READ_BUFFER_SIZE
from cython.cimports.mainspring.net.chunks import drop_chunk, new_chunk
from cython.cimports.mainspring.net.receiver import INPUT_SIZE, Receiver
from cython.cimports.mainspring.net.stream_reader import feeder_of
from cython.cimports.mainspring.net.system import c_read, c_recv
from cython.cimports.mainspring.net.transport import FdTransport

MUCH = cython.declare(cython.Py_ssize_t, 32 * 1024)
FRESH_SIZE = cython.declare(cython.Py_ssize_t, 96 * 1024)


class ReadingTransport(FdTransport):
    """A transport that receives."""

    def protocol_changed(self):
        protocol = self.protocol
        self.receiver = protocol if isinstance(protocol, Receiver) else feeder_of(protocol)
        self.is_direct = self.receiver is not None or isinstance(protocol, asyncio.BufferedProtocol)
        self.data_received = None
        self.data_owner = None
        if protocol is not None and not self.is_direct:
            method = data_received_of(protocol)
            if PyMethod_Check(method):
                # Taken apart once, and not with every call.
                self.data_received = cython.cast(object, method_function(method))
                self.data_owner = cython.cast(object, method_self(method))
            else:
                self.data_received = method
        return 0

    def start_reading(self):
        if not self.is_paused and not self.is_closing_ and not self.is_at_end:
            self.scheduler.fds.set_interest(self, self.interest | READ)
        return 0

    def is_reading(self):
        """Returns True while the transport reads."""
        return not self.is_closing_ and not self.is_paused

    @property
    def _paused(self):
        """Whether reading is paused, by the name that asyncio's own transports have for it."""
        return self.is_paused

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
        data: cython.pointer(PyObject)
        if self.is_direct:
            if self.receiver is not None:
                return self.read_for_receiver()
            return self.read_into_protocol()
        if self.reads_much:
            fresh: bytes = PyBytes_FromStringAndSize(cython.NULL, FRESH_SIZE)
            size = _receive(self, PyBytes_AS_STRING(fresh), FRESH_SIZE)
            if size > 0:
                self.reads_much = size >= MUCH
                # Shrinking takes the only reference, and gives back another (or none).
                data = cython.cast(cython.pointer(PyObject), fresh)
                Py_INCREF(fresh)
                fresh = None
                _PyBytes_Resize(cython.address(data), size)
                fresh = cython.cast(bytes, data)
                Py_DECREF(fresh)
                return self.deliver(fresh)
        else:
            buffer = self.scheduler.buffer_for_reading()
            size = _receive(self, buffer, READ_BUFFER_SIZE)
            if size > 0:
                self.reads_much = size >= MUCH
                data = new_chunk(buffer, size)
                try:
                    self.deliver(cython.cast(bytes, data))
                finally:
                    drop_chunk(data)
                return 0
        if size == 0:
            return self.end_of_file()
        return self.failed_to_read(errno)

    def deliver(self, data):
        result: cython.pointer(PyObject) = cython.NULL
        arguments: cython.pointer(PyObject)[2]
        # Kept here: the protocol may end the transport, which lets go of them.
        function = self.data_received
        owner = self.data_owner
        context = self.context
        arguments[0] = cython.cast(cython.pointer(PyObject), owner)
        arguments[1] = cython.cast(cython.pointer(PyObject), data)
        if PyContext_Enter(context) == 0:
            if owner is None:
                result = PyObject_CallOneArg(function, data)
            else:
                result = PyObject_Vectorcall(function, arguments, 2, cython.NULL)
            PyContext_Exit(context)
        if result == cython.NULL:
            return self.protocol_failed("data_received")
        Py_DECREF(cython.cast(object, result))
        return 0

    def read_for_receiver(self):
        buffer: cython.p_char = self.scheduler.buffer_for_reading()
        size: cython.Py_ssize_t = _receive(self, buffer, INPUT_SIZE)
        # Kept here: the receiver may end the transport.
        receiver: Receiver = self.receiver
        context = self.context
        if size < 0:
            return self.failed_to_read(errno)
        if size == 0:
            return self.end_of_file()
        PyContext_Enter(context)
        try:
            receiver.receive(buffer, size)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            method = "buffer_updated" if receiver is self.protocol else "data_received"
            self.fatal_error(exc, f"Fatal error: protocol.{method}() call failed.")
        finally:
            PyContext_Exit(context)
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
        size = _receive(self, view.buf, view.len)
        error: cython.int = errno
        PyBuffer_Release(cython.address(view))
        if size < 0:
            # Whose buffer it is may have made system calls of his own to release it.
            return self.failed_to_read(error)
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

    def failed_to_read(self, error: cython.int):
        if error != EAGAIN and error != EINTR:
            kind = "pipe" if self.is_pipe else "socket"
            self.fatal_error(
                OSError(error, strerror(error)), f"Fatal read error on {kind} transport"
            )
        return 0


def data_received_of(protocol):
    """Returns a protocol's `data_received`, which is missed only when data comes, as in asyncio."""
    method = getattr(protocol, "data_received", None)
    return functools.partial(_call_data_received, protocol) if method is None else method


def _call_data_received(protocol, data):
    return protocol.data_received(data)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _receive(
    transport: ReadingTransport, buffer: cython.p_void, size: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Makes one system call; returns the number of bytes received, or -1 with errno set."""
    if transport.is_pipe:
        return c_read(transport.fd, buffer, size)
    return c_recv(transport.fd, buffer, size, 0)
