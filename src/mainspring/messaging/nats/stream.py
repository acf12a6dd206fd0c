"""`MessageStream`: the protocol of a connection: messages in and out, compiled.

It reads from the loop's own buffer, and what is written in one batch of callbacks is sent when that
is over, in one system call and from where it was written. On other loops than this project's it
does the same with what asyncio has for it. What comes and isn't a message is for whoever logs in.
"""

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_GET_SIZE,
)
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.messaging.nats.reader import MessageReader
from cython.cimports.mainspring.messaging.nats.writer import MessageWriter
from cython.cimports.mainspring.net.receiver import Receiver
from cython.cimports.mainspring.net.stream import StreamTransport

from mainspring.messaging.nats.reader import StreamError

__all__ = ["MessageStream"]

# From here on it is sent at once, and a body isn't copied: as the transports below do.
SENT_AT_ONCE = cython.declare(cython.Py_ssize_t, 16 * 1024)


class MessageStream(Receiver):
    """Sends and receives.

    Parameters:
        loop: the loop.
        on_line: takes what came and is no message.
        on_end: is called once when the connection has gone, with the error or None.

    Attributes:
        transport: what is below; None before there is one, and once it has gone.
        reader: gives each message to its subscription.
    """

    def __init__(self, loop, on_line, on_end):
        self.loop = loop
        self.scheduler = loop if isinstance(loop, Scheduler) else None
        self.on_end = on_end
        self.reader = MessageReader(on_line, self._sink_failed)
        self.writer = MessageWriter()

    def publish(self, subject, body, reply, headers):
        """Sends a message, with the others of this moment; nothing happens without a connection.

        Parameters:
            subject: where to.
            body: the body.
            reply: where the answer goes; empty for nowhere.
            headers: the block of headers, or None.
        """
        writer: MessageWriter = self.writer
        if self.transport is None:
            return 0
        if PyBytes_GET_SIZE(body) < SENT_AT_ONCE:
            writer.message(subject, reply, headers, body, True)
            return self.after_write()
        writer.message(subject, reply, headers, body, False)
        self.flush()
        if self.transport is not None:
            self.transport.write(body)
            writer.command(b"\r\n")
            self.after_write()
        return 0

    def write(self, text):
        """Sends whole lines that are no messages, with what else is sent in this moment."""
        if self.transport is None:
            return 0
        self.writer.command(text)
        return self.after_write()

    def unsent(self):
        """Returns how many bytes wait to be sent; what the system is about to take isn't told."""
        size = self.writer.size
        if self.is_paused and self.transport is not None:
            size += self.transport.get_write_buffer_size()
        return size

    def use(self, transport):
        """Goes on over another transport, as one with TLS over the first."""
        self.transport = transport
        self.stream = transport if isinstance(transport, StreamTransport) else None

    def close(self):
        """Sends what it can, and ends."""
        self.flush()
        if self.transport is not None:
            self.transport.close()

    def abort(self):
        """Ends at once."""
        if self.transport is not None:
            self.transport.abort()

    def after_write(self):
        if self.writer.size >= SENT_AT_ONCE:
            return self.flush()
        if not self.is_flush_due:
            self.is_flush_due = True
            if self.scheduler is not None:
                self.scheduler.flush_later(self)
            else:
                self.loop.call_soon(self._flush)
        return 0

    def _flush(self):
        self.flush()

    def flush(self):
        writer: MessageWriter = self.writer
        self.is_flush_due = False
        if writer.size == 0 or self.transport is None:
            return 0
        if self.stream is not None:
            self.stream.send_from(writer.buffer, writer.size)
            writer.clear()
        else:
            self.transport.write(writer.take())
        return 0

    def connection_made(self, transport):
        """Begins."""
        self.use(transport)

    def receive(self, data, size):
        try:
            self.reader.take(data, size)
        except StreamError as exc:
            self.end(exc)
            self.abort()
        return 0

    def data_received(self, data: bytes):
        """Takes what came in, where no loop of this project's brings it."""
        self.receive(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def eof_received(self):
        """Has the connection closed: a server that says no more is no server."""
        return False

    def pause_writing(self):
        """Is told that the system takes no more."""
        self.is_paused = True

    def resume_writing(self):
        """Is told that there is room again."""
        self.is_paused = False

    def connection_lost(self, exc):
        """Ends."""
        self.transport = None
        self.stream = None
        self.writer.clear()
        self.end(exc)

    def end(self, exc):
        self.reader.close()
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(exc)
        return 0

    def _sink_failed(self, exc):
        self.loop.call_exception_handler(
            {"message": "a message from NATS could not be taken", "exception": exc}
        )
