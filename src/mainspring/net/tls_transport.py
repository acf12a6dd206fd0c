"""`SSLTransport`: what the protocol of a TLS connection has for a transport; the sending half.

What is written is gathered and encrypted when the batch of callbacks is over, so that many small
writes become one record and one system call; from 16 KiB on, a record's size, it is encrypted at
once. While the transport below is over its high-water mark nothing is encrypted: what waits, waits
as it was written, and counts towards this transport's own mark.
"""

import asyncio
from asyncio import constants
from asyncio.log import logger

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.cpython.list import PyList_GET_SIZE
from cython.cimports.cpython.ref import Py_INCREF, PyObject
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.net.chunks import drop_chunk
from cython.cimports.mainspring.net.tls_connection import TLSConnection
from cython.cimports.mainspring.net.tls_engine import FAILED, WANTS_INPUT, new_engine
from cython.cimports.mainspring.net.tls_handshake import (
    FINISHED,
    FLUSHING,
    HANDSHAKE,
    LOST,
    NEW,
    OPEN,
)
from cython.cimports.mainspring.net.writing import as_bytes, tell_protocol, water_marks

DEFAULT_HIGH_WATER = 512 * 1024
RECORD_SIZE = cython.declare(cython.Py_ssize_t, 16 * 1024)
# What one part of the loop's buffer has room for, encrypted, and for as much again on top.
ENCRYPTED_AT_ONCE = cython.declare(cython.Py_ssize_t, 32 * 1024)
WARN_AFTER = cython.declare(cython.int, 5)


class _SSLTransport(asyncio.Transport):
    """What `type(transport)` is to `isinstance`: an `asyncio.Transport` of this loop."""

    __slots__ = ()


_SSLTransport.__name__ = _SSLTransport.__qualname__ = "SSLTransport"


class SSLTransport(TLSConnection):
    """A TLS connection over another transport."""

    _start_tls_compatible = True

    @property
    def __class__(self):
        return _SSLTransport

    def write(self, data):
        """Sends data, encrypted; returns at once.

        Parameters:
            data: bytes-like; a mutable buffer is copied.

        Raises:
            TypeError: `data` is not bytes-like.
        """
        self.append(as_bytes(data))
        self.after_append()

    def writelines(self, list_of_data):
        """Sends several pieces of data.

        Parameters and errors are those of `write`, for each piece.
        """
        for data in [as_bytes(data) for data in list_of_data]:
            self.append(data)
        self.after_append()

    def append(self, data: bytes):
        if PyBytes_GET_SIZE(data) == 0:
            return 0
        if self.state >= FLUSHING:
            if self.lost_writes >= WARN_AFTER:
                logger.warning("SSL connection is closed")
            self.lost_writes += 1
            return 0
        if self.first_chunk is None:
            self.first_chunk = data
        else:
            if self.more_chunks is None:
                self.more_chunks = []
            self.more_chunks.append(data)
        self.unsent += PyBytes_GET_SIZE(data)
        return 0

    def after_append(self):
        if self.state == OPEN and not self.is_held_up and self.unsent > 0:
            if self.stream is None or self.unsent >= RECORD_SIZE or self.unsent >= self.high_water:
                self.flush()
            elif not self.is_flush_due:
                self.is_flush_due = True
                self.scheduler.flush_later(self)
        # Of a connection that is closing nothing more is told: what was written was dropped.
        return self.control_protocol() if self.state < FLUSHING else 0

    def flush(self):
        """Encrypts and sends what was gathered; an error ends the connection."""
        self.is_flush_due = False
        if self.state != OPEN:
            return 0
        try:
            self.encrypt(False)
        except Exception as exc:
            return self.fatal_error(exc, "Fatal error on SSL protocol")
        if self.state == FLUSHING:
            # Closed by what encrypting has called.
            return self.go_on_closing()
        return self.control_protocol()

    def encrypt(self, all_of_it):
        """Encrypts and sends, all or as long as the transport below isn't over its mark."""
        if self.is_encrypting:
            # Over memory BIOs that is a call into Python, which may write, close or abort here;
            # the one that is on goes on with what was written.
            return 0
        self.is_encrypting = True
        try:
            self.encrypt_chunks(all_of_it)
        finally:
            self.is_encrypting = False
        return self.send_output()

    def encrypt_chunks(self, all_of_it: cython.bint):
        first: bytes
        size: cython.Py_ssize_t
        done: cython.Py_ssize_t
        collected: cython.Py_ssize_t = 0
        chunk: cython.pointer(PyObject)
        while self.first_chunk is not None and (all_of_it or not self.is_held_up):
            if self.more_chunks is not None:
                self.gather()
            # Kept here: the writes may be dropped meanwhile.
            first = self.first_chunk
            size = PyBytes_GET_SIZE(first) - self.sent_of_first
            done = self.engine.write(
                PyBytes_AS_STRING(first) + self.sent_of_first, min(size, ENCRYPTED_AT_ONCE)
            )
            if done == WANTS_INPUT or self.first_chunk is not first:
                break
            if done == FAILED:
                self.send_output()
                self.raise_failure()
            self.unsent -= done
            self.sent_of_first += done
            if done == size:
                self.sent_of_first = 0
                chunk = cython.cast(cython.pointer(PyObject), first)
                Py_INCREF(first)
                first = None
                self.first_chunk = None
                drop_chunk(chunk)
                if self.more_chunks is not None:
                    self.first_chunk = self.more_chunks.pop(0)
                    if PyList_GET_SIZE(self.more_chunks) == 0:
                        self.more_chunks = None
            collected += done
            if collected >= ENCRYPTED_AT_ONCE:
                collected = 0
                self.send_output()
        return 0

    def gather(self):
        """Joins small chunks, so that the next record is a full one."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(self.first_chunk) - self.sent_of_first
        count: cython.Py_ssize_t = 0
        while size < RECORD_SIZE and count < PyList_GET_SIZE(self.more_chunks):
            size += PyBytes_GET_SIZE(self.more_chunks[count])
            count += 1
        if count == 0:
            return 0
        rest = self.first_chunk[self.sent_of_first :]
        self.first_chunk = b"".join([rest, *self.more_chunks[:count]])
        self.sent_of_first = 0
        if count == PyList_GET_SIZE(self.more_chunks):
            self.more_chunks = None
        else:
            del self.more_chunks[:count]
        return 0

    def has_writes(self):
        return self.unsent > 0

    def drop_writes(self):
        self.first_chunk = None
        self.more_chunks = None
        self.sent_of_first = 0
        self.unsent = 0
        return 0

    def control_protocol(self):
        if self.unsent >= self.high_water and self.unsent > 0:
            if not self.is_write_paused:
                self.is_write_paused = True
                tell_protocol(self, self.protocol, "pause_writing")
        elif self.is_write_paused and self.unsent <= self.low_water:
            self.is_write_paused = False
            tell_protocol(self, self.protocol, "resume_writing")
        return 0

    def pause_writing(self):
        """From below: what is written from now on has to wait."""
        self.is_held_up = True

    def resume_writing(self):
        """From below: there is room again."""
        self.is_held_up = False
        self.flush()

    def write_eof(self):
        """Not for TLS: a connection has no half-close."""
        raise NotImplementedError("a TLS connection can't be half closed; use close()")

    def can_write_eof(self):
        """Returns False: TLS has no half-close."""
        return False

    def close(self):
        """Closes the connection once what was written is sent; `connection_lost(None)` follows.

        The peer is told with close_notify, and its own is waited for; what else it still sends is
        read and dropped.
        """
        if self.is_closing_:
            return
        self.is_closing_ = True
        if self.state == OPEN:
            self.start_shutdown()
        elif self.state == HANDSHAKE or self.state == NEW:
            self.abort_with(None)

    def abort(self):
        """Closes the connection at once; what the system doesn't take now is not sent."""
        self.abort_with(None)

    def _force_close(self, exc):
        self.abort_with(exc)

    def abort_with(self, exc):
        self.is_closing_ = True
        if self.has_writes():
            self.flush()
        self.drop_writes()
        if self.state != LOST:
            self.state = FINISHED
            self.force_close_below(exc)
        return 0

    def is_closing(self):
        """Returns True once the transport is closing or closed."""
        return self.is_closing_ or (self.below is not None and self.below.is_closing())

    def get_protocol(self):
        """Returns the protocol."""
        return self.protocol

    def set_protocol(self, protocol):
        """Sets the protocol; data goes to it from now on."""
        self.protocol = protocol
        self.protocol_changed()

    def is_reading(self):
        """Returns True while the transport reads."""
        return not self.is_reading_paused

    def pause_reading(self):
        """Stops reading until `resume_reading()`; the peer is held up once the buffers are full."""
        if self.is_reading_paused or self.state >= FLUSHING:
            return
        self.is_reading_paused = True
        if self.below is not None and not self.is_below_paused:
            self.is_below_paused = True
            self.below.pause_reading()

    def resume_reading(self):
        """Reads again."""
        if self.is_reading_paused:
            self.is_reading_paused = False
            self.loop.call_soon(self._resume_reading)

    def _resume_reading(self):
        if not self.is_reading_paused and self.state == OPEN:
            self.resume_below()
            self.receive(cython.NULL, 0)

    def get_write_buffer_size(self):
        """Returns how many bytes were written but not yet encrypted."""
        return self.unsent

    def get_write_buffer_limits(self):
        """Returns the low-water and the high-water mark, in bytes."""
        return (self.low_water, self.high_water)

    def set_write_buffer_limits(self, high=None, low=None):
        """Sets the marks between which the protocol is paused and resumed.

        Parameters:
            high: bytes; by default 512 KiB, or four times `low`.
            low: bytes; by default a quarter of `high`.

        Raises:
            ValueError: not high >= low >= 0.
        """
        self.low_water, self.high_water = water_marks(high, low, DEFAULT_HIGH_WATER)
        self.after_append()

    def get_extra_info(self, name, default=None):
        """Returns what is known about the connection.

        That is `sslcontext`, and once the handshake is done `ssl_object`, `peercert`, `cipher` and
        `compression`; all else is asked of the transport below.
        """
        if name == "sslcontext":
            return self.options.context
        if self.is_established:
            if name == "ssl_object":
                return self.engine.sslobj
            if name == "peercert":
                return self.peercert
            if name == "cipher":
                return self.engine.sslobj.cipher()
            if name == "compression":
                return self.engine.sslobj.compression()
        if self.below is None:
            return default
        return self.below.get_extra_info(name, default)

    # What asyncio asks before it does sendfile() by reading and writing.
    _sendfile_compatible = constants._SendfileMode.FALLBACK

    @property
    def _ssl_protocol(self):
        return self

    @property
    def _protocol_paused(self):
        return self.is_write_paused

    def _test__append_write_backlog(self, data):
        # CPython's own tests fill the backlog through it.
        self.append(data)

    def cancel(self):
        """Not for transports, which end by `close()` or `abort()`."""
        raise TypeError("a transport can't be cancelled; use close() or abort()")

    def _repr_info(self):
        info = ["SSLTransport"]
        if self.below is None:
            info.append("closed" if self.state != NEW else "not connected")
        else:
            if self.is_closing_:
                info.append("closing")
            info.append(f"over {self.below!r}")
        return info


def new_transport(loop: Scheduler, protocol, options, waiter, is_made: cython.bint):
    """Returns a transport that is to be made the protocol of another one.

    Parameters:
        loop: the loop.
        protocol: the protocol of the encrypted data.
        options: the `SSLOptions`.
        waiter: a future that is done when the handshake is; None for an accepted connection.
        is_made: True when the protocol has had its `connection_made` from another transport.

    Raises:
        ValueError, ssl.SSLError: the context refuses the options.
    """
    transport: SSLTransport = SSLTransport.__new__(SSLTransport)
    transport.loop = loop
    transport.scheduler = loop
    transport.options = options
    transport.waiter = waiter
    transport.is_accepted = waiter is None
    transport.is_made = is_made
    transport.low_water, transport.high_water = water_marks(None, None, DEFAULT_HIGH_WATER)
    transport.engine = new_engine(options.context, options.server_side, options.server_hostname)
    transport.set_protocol(protocol)
    return transport
