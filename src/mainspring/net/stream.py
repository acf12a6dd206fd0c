"""`StreamTransport`: asyncio's transport for a connected stream socket; both halves together."""

import asyncio
import socket
from asyncio.constants import _SendfileMode

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.net.address import peer_address
from cython.cimports.mainspring.net.sendfile import new_file_send
from cython.cimports.mainspring.net.system import MSG_NOSIGNAL, c_send
from cython.cimports.mainspring.net.writing import DEFAULT_HIGH_WATER, WritingTransport


class _SocketTransport(asyncio.Transport):
    """What `type(transport)` is to `isinstance`: an `asyncio.Transport` of this loop."""

    __slots__ = ()


_SocketTransport.__name__ = _SocketTransport.__qualname__ = "StreamTransport"


class StreamTransport(WritingTransport):
    """A connected stream socket."""

    # asyncio's word for what `start_tls()` can be asked to put TLS on.
    _start_tls_compatible = True
    # And for what the system can send files on.
    _sendfile_compatible = _SendfileMode.TRY_NATIVE

    @property
    def __class__(self):
        return _SocketTransport

    def send_from(self, data, size):
        """Sends what lies in somebody's buffer; only what the system doesn't take is copied."""
        sent: cython.Py_ssize_t = 0
        if self.unsent == 0 and self.lost_writes == 0 and not self.refuses_writes and self.fd >= 0:
            # An error comes again when the rest is sent.
            sent = max(0, c_send(self.fd, data, size, MSG_NOSIGNAL))
            if sent == size:
                return 0
        self.append(PyBytes_FromStringAndSize(data + sent, size - sent))
        return self.after_append()

    def _send_file(self, file: cython.int, offset, count, size, future):
        """Sends a file behind what was written; no more can be written until it is sent.

        Parameters:
            file: its fd.
            offset: where to begin, in bytes; count: how many to send, None for all.
            size: the file's size.
            future: is done when the file is sent, or fails with why it can't be.

        Returns:
            What is being sent; its `sent` is how many bytes have been.

        Raises:
            RuntimeError: another file is being sent, or `write_eof()` was called.
        """
        if self.refuses_writes:
            self.refuse()
        sending = new_file_send(file, offset, count, size, future)
        self.waiter = sending
        self.refuses_writes = True
        if not self.interest & WRITE:
            self.send_now()
        return sending

    def _stop_file(self, sending):
        """Sends no more of a file, if it is still being sent: nobody waits for it any more."""
        if self.waiter is sending:
            self.end_file(None)
            self.send_now()

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
