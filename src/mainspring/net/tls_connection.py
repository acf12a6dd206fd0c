"""`TLSConnection`: what comes in over TLS, the shutdown, the end.

A `StreamTransport` hands it the loop's buffer, any other calls `data_received`. Whatever ends the
connection ends up in the call of `connection_lost` from below, where every timer is cancelled and
every reference let go.

The loop's read buffer has three parts here: what came in, what was decrypted, what is to be sent.
None of them keeps anything while a callback runs, except that input not yet decrypted stays in its
own part until the turn is over.
"""

import asyncio
import ssl
from asyncio.log import logger

import cython
from cython.cimports.cpython.buffer import (
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_GET_SIZE,
)
from cython.cimports.cpython.ref import PyObject
from cython.cimports.mainspring.net.chunks import drop_chunk, new_chunk
from cython.cimports.mainspring.net.reading import data_received_of
from cython.cimports.mainspring.net.receiver import PLAIN_OFFSET, PLAIN_SIZE
from cython.cimports.mainspring.net.stream_reader import feeder_of
from cython.cimports.mainspring.net.tls_engine import AT_CLOSE, FAILED, WANTS_INPUT
from cython.cimports.mainspring.net.tls_handshake import (
    CLOSING,
    FINISHED,
    FLUSHING,
    HANDSHAKE,
    LOST,
    OPEN,
    TLSHandshake,
)

from mainspring.core.priority import Priority

RECORD_SIZE = cython.declare(cython.Py_ssize_t, 16 * 1024)


class TLSConnection(TLSHandshake):
    """The lower half of an `SSLTransport`."""

    @property
    def _sslcontext(self):
        # As asyncio's SSLProtocol has it.
        return self.options.context

    def data_received(self, data):
        """Takes what a transport received that isn't a `StreamTransport`."""
        content: bytes = bytes(data)
        self.receive(PyBytes_AS_STRING(content), PyBytes_GET_SIZE(content))

    def receive(self, data, size):
        if self.engine.is_lent:
            # A transport that delivers from inside write(): the turn that is on goes on with it.
            return self.engine.add(data, size)
        self.engine.give(data, size)
        try:
            self.advance()
            while self.engine.is_added:
                self.engine.is_added = False
                self.advance()
        finally:
            self.engine.keep()
        return 0

    def advance(self):
        if self.state == OPEN:
            return self.do_read()
        if self.state == HANDSHAKE:
            return self.do_handshake()
        if self.state == FLUSHING:
            return self.do_flush()
        if self.state == CLOSING:
            return self.do_shutdown()
        return self.engine.drop()

    def eof_received(self):
        """Ends the connection: with an error before it is open, else as close_notify does."""
        if self.scheduler.is_debug:
            logger.debug("%r received EOF", self)
        self.is_at_end = True
        if self.state == HANDSHAKE:
            self.handshake_failed(ConnectionResetError())
        else:
            self.receive(cython.NULL, 0)
        # A protocol that doesn't read now is told of the end when it does.
        return self.state == OPEN

    def connection_lost(self, exc):
        """Tells the protocol, and lets go of everything."""
        protocol = self.protocol
        is_told = self.is_made and self.state != HANDSHAKE
        self.state = LOST
        self.is_closing_ = True
        self.is_made = False
        self.cancel_timer()
        self.drop_writes()
        self.engine.drop()
        self.below = None
        self.stream = None
        self.protocol = None
        self.deliver = None
        self.feeder = None
        self.wake(exc)
        if is_told:
            protocol.connection_lost(exc)

    def do_read(self):
        """Gives the protocol what can be decrypted; errors end the connection."""
        try:
            self.read_until_dry()
        except Exception as exc:
            self.fatal_error(exc, "Fatal error on SSL protocol")
        return 0

    def read_until_dry(self):
        got: cython.Py_ssize_t = 1
        while got > 0 and self.state == OPEN and not self.is_reading_paused:
            got = self.read_into_protocol() if self.is_buffered else self.read_and_deliver()
        if self.state != OPEN:
            return 0
        if self.has_writes():
            # Writing may have had to wait for what was just read.
            self.flush()
        if got == AT_CLOSE or (got == WANTS_INPUT and self.is_at_end):
            return self.end_of_stream()
        return 0

    def read_and_deliver(self):
        plain: cython.p_char = self.scheduler.buffer_for_reading() + PLAIN_OFFSET
        filled: cython.Py_ssize_t = 0
        got: cython.Py_ssize_t = 1
        data: cython.pointer(PyObject)
        while filled <= PLAIN_SIZE - RECORD_SIZE:
            got = self.engine.read(plain + filled, PLAIN_SIZE - filled)
            if got <= 0:
                break
            filled += got
        if filled > 0 and self.feeder is not None:
            # Calls nobody who could come back here, unlike a protocol.
            self.feeder.receive(plain, filled)
            self.send_output()
        elif filled > 0:
            data = new_chunk(plain, filled)
            try:
                self.send_output()
                if self.deliver is not None:
                    # Sending may have ended the connection.
                    self.deliver(cython.cast(bytes, data))
            finally:
                drop_chunk(data)
        else:
            self.send_output()
        if got == FAILED:
            self.raise_failure()
        return got

    def read_into_protocol(self):
        view: Py_buffer
        filled: cython.Py_ssize_t = 0
        got: cython.Py_ssize_t = 1
        protocol = self.protocol
        if self.engine.is_dry():
            return WANTS_INPUT
        buffer = protocol.get_buffer(-1)
        PyObject_GetBuffer(buffer, cython.address(view), PyBUF_WRITABLE)
        if view.len == 0:
            PyBuffer_Release(cython.address(view))
            raise RuntimeError("get_buffer() returned an empty buffer")
        try:
            while filled < view.len:
                got = self.engine.read(
                    cython.cast(cython.p_char, view.buf) + filled, view.len - filled
                )
                if got <= 0:
                    break
                filled += got
        finally:
            PyBuffer_Release(cython.address(view))
        self.send_output()
        if filled > 0:
            protocol.buffer_updated(filled)
        if got == FAILED:
            self.raise_failure()
        return got

    def raise_failure(self):
        exc = self.engine.failure
        self.engine.failure = None
        raise exc

    def end_of_stream(self):
        self.tell_eof()
        if self.state == OPEN:
            self.start_shutdown()
        return 0

    def tell_eof(self):
        if self.is_eof_told or not self.is_made:
            return 0
        self.is_eof_told = True
        try:
            if self.protocol.eof_received():
                logger.warning("returning true from eof_received() has no effect when using ssl")
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.fatal_error(exc, "Error calling eof_received()")
        return 0

    def start_shutdown(self):
        """Sends what was written, then close_notify, and waits for the peer's."""
        self.state = FLUSHING
        self.is_closing_ = True
        self.timer = self.loop.call_later(self.options.shutdown_timeout, self._shutdown_timed_out)
        # The peer's answer is to be read; data before it is for nobody any more.
        self.resume_below()
        return self.go_on_closing()

    def go_on_closing(self):
        if self.engine.is_lent:
            return self.do_flush()
        return self.receive(cython.NULL, 0)

    def do_flush(self):
        try:
            if not self.is_at_end and self.discard() == FAILED:
                self.raise_failure()
            self.encrypt(True)
        except Exception as exc:
            return self.fatal_error(exc, "Fatal error on SSL protocol")
        if self.state != FLUSHING or (self.has_writes() and not self.is_at_end):
            return 0
        self.state = CLOSING
        return self.do_shutdown()

    def do_shutdown(self):
        done: cython.bint = True
        try:
            if not self.is_at_end:
                if self.discard() == FAILED:
                    self.raise_failure()
                done = self.engine.shutdown()
        except ssl.SSLError as exc:
            return self.fatal_error(exc, "Fatal error on transport")
        self.send_output()
        if not done or self.state != CLOSING:
            return 0
        self.tell_eof()
        return self.finish()

    def resume_below(self):
        if self.is_below_paused:
            self.is_below_paused = False
            if not self.is_at_end:
                self.below.resume_reading()
        return 0

    def discard(self):
        """Decrypts what comes after the goodbye, for nobody; returns what ended it."""
        plain: cython.p_char = self.scheduler.buffer_for_reading() + PLAIN_OFFSET
        got: cython.Py_ssize_t = 1
        while got > 0:
            got = self.engine.read(plain, PLAIN_SIZE)
        return got

    def finish(self):
        """Closes the transport below, which sends first what it has; the timer runs on."""
        if self.state == CLOSING:
            self.state = FINISHED
            if self.below is not None:
                self.below.close()
        return 0

    def _shutdown_timed_out(self):
        if self.below is not None:
            self.force_close_below(TimeoutError("SSL shutdown timed out"))

    def protocol_changed(self):
        protocol = self.protocol
        self.is_buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self.deliver = None if self.is_buffered else data_received_of(protocol)
        self.feeder = feeder_of(protocol)
        return 0

    def set_priority(self, priority):
        """Sets the `Priority` at which the connection's events run, from now on.

        Raises:
            ValueError: it is not one of the five.
        """
        if self.below is not None:
            self.below.set_priority(priority)

    def get_priority(self):
        """Returns the `Priority` at which the connection's events run; DEFAULT when lost."""
        return Priority.DEFAULT if self.below is None else self.below.get_priority()

    def has_writes(self):
        return False

    def encrypt(self, all_of_it):
        return 0

    def drop_writes(self):
        return 0
