"""`Engine`: turns plain bytes into TLS records and back. It knows no sockets and no protocols.

This one goes through `ssl.SSLObject` and two memory BIOs, which works with any context and any
build of the interpreter. What came in is lent to it for a turn (`give`, then `keep`) and goes into
the BIO in small slices, so that the BIO of an idle connection is small. An end of data is told by
a number and not by an exception, which would cost more than to decrypt a small message.
"""

import ssl

import cython
from cython.cimports.cpython.bytes import (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)

AGAIN = (ssl.SSLWantReadError, ssl.SSLSyscallError)
SLICE = cython.declare(cython.Py_ssize_t, 32 * 1024)


class Engine:
    """A TLS engine over memory BIOs."""

    def give(self, data, size):
        """Lends input for this turn; what was kept of the last one comes first."""
        if self.kept is not None:
            self.kept += PyBytes_FromStringAndSize(data, size)
            data = PyBytes_AS_STRING(self.kept)
            size = PyBytes_GET_SIZE(self.kept)
        self.input = data
        self.input_size = size
        self.is_lent = True
        return 0

    def add(self, data, size):
        """Puts more behind the input of the turn that is on."""
        rest: bytes = PyBytes_FromStringAndSize(self.input, self.input_size)
        self.kept = rest + PyBytes_FromStringAndSize(data, size)
        self.input = PyBytes_AS_STRING(self.kept)
        self.input_size = PyBytes_GET_SIZE(self.kept)
        self.is_added = True
        return 0

    def keep(self):
        """Ends the turn: what nobody has asked for yet is copied."""
        rest: bytes = None
        if self.input_size > 0:
            rest = PyBytes_FromStringAndSize(self.input, self.input_size)
        self.kept = rest
        self.input_size = 0
        self.is_lent = False
        return 0

    def drop(self):
        """Forgets the input that is left."""
        self.input_size = 0
        return 0

    def feed(self, limit: cython.Py_ssize_t):
        """Moves input into the BIO."""
        size: cython.Py_ssize_t = min(limit, self.input_size)
        if size > 0:
            data = PyMemoryView_FromMemory(cython.cast(cython.p_char, self.input), size, PyBUF_READ)
            self.incoming.write(data)
            data.release()
            self.input += size
            self.input_size -= size
        return 0

    def handshake(self):
        """Goes on with the handshake; returns 1 when it is done, 0 when it needs more input."""
        self.feed(self.input_size)
        try:
            self.sslobj.do_handshake()
        except AGAIN:
            return 0
        return 1

    def shutdown(self):
        """Sends close_notify; returns 1 when the peer's has come, 0 when it needs more input."""
        self.feed(self.input_size)
        try:
            self.sslobj.unwrap()
        except AGAIN:
            return 0
        return 1

    def is_dry(self):
        """Returns True when there is nothing to decrypt."""
        return self.input_size == 0 and not self.incoming.pending and self.sslobj.pending() == 0

    def read(self, into, size):
        """Decrypts up to `size` bytes.

        Returns how many, AT_CLOSE when the peer has sent close_notify, WANTS_INPUT, or FAILED
        with the exception in `failure`.
        """
        while True:
            if self.is_dry():
                return WANTS_INPUT
            if not self.incoming.pending:
                self.feed(SLICE)
            view = PyMemoryView_FromMemory(into, size, PyBUF_WRITE)
            try:
                return self.sslobj.read(size, view)
            except AGAIN:
                if self.input_size == 0:
                    return WANTS_INPUT
                self.feed(SLICE)
            except ssl.SSLZeroReturnError:
                return AT_CLOSE
            except ssl.SSLError as exc:
                self.failure = exc
                return FAILED
            finally:
                view.release()

    def write(self, data, size):
        """Encrypts up to `size` bytes; returns how many, WANTS_INPUT or FAILED."""
        view = PyMemoryView_FromMemory(cython.cast(cython.p_char, data), size, PyBUF_READ)
        try:
            return self.sslobj.write(view)
        except AGAIN:
            return WANTS_INPUT
        except ssl.SSLError as exc:
            self.failure = exc
            return FAILED
        finally:
            view.release()

    def collect(self):
        """Has `output` point at the records to be sent, until `collected`; returns their size."""
        if not self.outgoing.pending:
            return 0
        self.taken = self.outgoing.read()
        self.output = PyBytes_AS_STRING(self.taken)
        self.output_size = PyBytes_GET_SIZE(self.taken)
        return self.output_size

    def collected(self):
        """Lets go of what `collect` gave."""
        self.taken = None
        self.output_size = 0
        return 0


def new_engine(context, server_side: cython.bint, server_hostname):
    """Returns an engine that is to begin the handshake."""
    engine: Engine = Engine.__new__(Engine)
    engine.incoming = ssl.MemoryBIO()
    engine.outgoing = ssl.MemoryBIO()
    engine.sslobj = context.wrap_bio(
        engine.incoming,
        engine.outgoing,
        server_side=server_side,
        server_hostname=server_hostname,
    )
    return engine
