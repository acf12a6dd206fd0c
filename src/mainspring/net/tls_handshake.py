"""`TLSHandshake`: the beginning of a TLS connection, and what each of its stages needs.

It is the protocol of the transport below, whichever that is. A handshake ends in one of four ways,
each of which tells the waiter: it succeeds, it fails, it takes too long, or the transport ends.
"""

import asyncio
import ssl
from asyncio.log import logger

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.mainspring.net.receiver import Receiver
from cython.cimports.mainspring.net.stream import StreamTransport

from mainspring.net.tls_openssl import faster_engine


class TLSHandshake(Receiver):
    """A TLS connection up to the end of the handshake."""

    def connection_made(self, transport):
        """Begins the handshake."""
        self.below = transport
        if isinstance(transport, StreamTransport):
            self.stream = transport
        self.state = HANDSHAKE
        self.timer = self.loop.call_later(self.options.handshake_timeout, self._handshake_timed_out)
        if self.scheduler.is_debug:
            logger.debug("%r starts SSL handshake", self)
            self.began = self.loop.time()
        self.receive(cython.NULL, 0)

    def take_early(self, data):
        """Takes what of the handshake came in before it was known to be one."""
        if data:
            self.engine.kept = data

    def do_handshake(self):
        done: cython.bint
        try:
            done = self.engine.handshake()
        except Exception as exc:
            return self.handshake_failed(exc)
        if done:
            return self.handshake_done()
        return self.send_output()

    def handshake_done(self):
        self.cancel_timer()
        try:
            self.peercert = self.engine.sslobj.getpeercert()
        except Exception as exc:
            return self.handshake_failed(exc)
        self.state = OPEN
        self.is_established = True
        if self.scheduler.is_debug:
            spent = (self.loop.time() - self.began) * 1e3
            logger.debug("%r: SSL handshake took %.1f ms", self, spent)
        if not self.is_made:
            self.is_made = True
            self.protocol.connection_made(self)
        self.wake(None)
        self.do_read()
        if self.state == OPEN:
            # With the last of the handshake goes what connection_made() has written.
            self.flush()
        if self.state == OPEN:
            self.engine = faster_engine(self.engine, self.scheduler)
        return 0

    def handshake_failed(self, exc):
        message = "SSL handshake failed"
        if isinstance(exc, ssl.CertificateError):
            message = "SSL handshake failed on verifying the certificate"
        self.cancel_timer()
        # The alert says to the peer what was wrong.
        self.send_output()
        self.state = FINISHED
        self.fatal_error(exc, message)
        return self.wake(exc)

    def _handshake_timed_out(self):
        if self.state == HANDSHAKE:
            self.fatal_error(
                ConnectionAbortedError(
                    f"SSL handshake is taking longer than {self.options.handshake_timeout} "
                    f"seconds: aborting the connection"
                ),
                "Fatal error on transport",
            )

    def wake(self, exc):
        """Tells whoever waits for the connection how the handshake ended, once."""
        waiter = self.waiter
        self.waiter = None
        if waiter is not None:
            if not waiter.done():
                if exc is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(exc)
        elif self.is_accepted:
            self.is_accepted = False
            if exc is not None and self.scheduler.is_debug:
                self.loop.call_exception_handler(
                    {
                        "message": "Error on transport creation for incoming connection",
                        "exception": exc,
                        "protocol": self.protocol,
                        "transport": self,
                    }
                )
        return 0

    def cancel_timer(self):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        return 0

    def send_output(self):
        size: cython.Py_ssize_t = self.engine.collect()
        if size == 0:
            return 0
        if self.stream is not None:
            self.stream.send_from(self.engine.output, size)
            self.engine.collected()
        else:
            data = PyBytes_FromStringAndSize(self.engine.output, size)
            self.engine.collected()
            if self.below is not None:
                self.below.write(data)
        return 0

    def fatal_error(self, exc, message: str):
        """Ends the connection for an error; other than the peer's or the network's it is told."""
        self.force_close_below(exc)
        if isinstance(exc, OSError):
            if self.scheduler.is_debug:
                logger.debug("%r: %s", self, message, exc_info=exc)
        elif not isinstance(exc, asyncio.CancelledError):
            self.loop.call_exception_handler(
                {
                    "message": message,
                    "exception": exc,
                    "transport": self,
                    "protocol": self.protocol,
                }
            )
        return 0

    def force_close_below(self, exc):
        if self.stream is not None:
            self.stream.flush()
            self.stream.force_close(exc)
        elif self.below is not None:
            force_close = getattr(self.below, "_force_close", None)
            if force_close is None:
                self.below.abort()
            else:
                force_close(exc)
        return 0

    def do_read(self):
        return 0
