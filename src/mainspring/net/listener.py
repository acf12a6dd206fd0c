"""`Listener`: accepts connections on one listening socket and starts a transport for each.

When the process is out of fds or memory it says so and stops accepting for a second: the system
would report the waiting connection without end, and nothing is lost by leaving it in the backlog.
"""

from asyncio.trsock import TransportSocket
from os import strerror

import cython
from cython.cimports.libc.errno import (
    EAGAIN,
    ECONNABORTED,
    EINTR,
    EMFILE,
    ENFILE,
    ENOBUFS,
    ENOMEM,
    EPERM,
    EPROTO,
    errno,
)
from cython.cimports.mainspring.core.capi import PyContext_CopyCurrent
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.poller import READ
from cython.cimports.mainspring.core.scheduler import Scheduler
from cython.cimports.mainspring.net.address import keep_address
from cython.cimports.mainspring.net.stream import StreamTransport, new_stream, set_no_delay
from cython.cimports.mainspring.net.system import (
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    c_accept4,
    c_close,
    sockaddr,
    sockaddr_storage,
    socklen_t,
)

RETRY_DELAY = 1.0


class Listener(Watcher):
    """The watcher of a listening socket.

    Parameters:
        loop: the loop.
        sock: the listening, non-blocking socket; it stays the server's.
        protocol_factory: makes the protocol of each connection.
        server: the `Server`, which counts connections.
        backlog: how many connections to accept at most before the loop does other things.
        level: the level at which connections are accepted, and the level of each of them.
        options: the `SSLOptions` of each connection; None for no encryption.
    """

    def __init__(
        self, loop: Scheduler, sock, protocol_factory, server, backlog, level, options=None
    ):
        self.loop = loop
        self.scheduler = loop
        self.socket = sock
        self.fd = sock.fileno()
        self.server = server
        self.protocol_factory = protocol_factory
        self.backlog = max(1, backlog)
        self.base_level = level
        self.options = options
        set_no_delay(sock)
        self.context = PyContext_CopyCurrent()

    def start(self):
        """Begins to accept; does nothing when closed or begun."""
        if self.fd >= 0 and not self.is_watching:
            self.scheduler.fds.add(self, READ)
            self.is_watching = True

    def set_level(self, level: cython.int):
        """Sets the level of accepting, and of each connection that is accepted from now on."""
        self.move_to(self.scheduler.queue, level)

    def close(self):
        """Stops accepting for good; the socket's owner closes it."""
        self.pause()
        self.fd = -1
        self.server = None
        self.protocol_factory = None

    def pause(self):
        """Stops accepting."""
        if self.is_watching:
            self.is_watching = False
            self.scheduler.fds.remove(self)

    def run(self):
        storage: sockaddr_storage
        address: cython.pointer(sockaddr)
        size: socklen_t
        fd: cython.int
        count: cython.int = 0
        transport: StreamTransport
        address = cython.cast(cython.pointer(sockaddr), cython.address(storage))
        self.ready = 0
        # Kept here: the factory may close the server, whose this connection is all the same.
        server = self.server
        while count < self.backlog and self.fd >= 0:
            count += 1
            size = cython.sizeof(sockaddr_storage)
            fd = c_accept4(self.fd, address, cython.address(size), SOCK_NONBLOCK | SOCK_CLOEXEC)
            if fd < 0:
                if errno == EAGAIN:
                    return 0
                if errno in (EINTR, ECONNABORTED, EPROTO, EPERM):
                    continue
                return self.out_of_resources(errno)
            context = self.context.copy()
            try:
                protocol = context.run(self.protocol_factory)
                if self.options is not None:
                    protocol = context.run(self.options.wrap, self.loop, protocol)
                transport = new_stream(self.scheduler, fd, protocol, context, self.base_level)
            except (SystemExit, KeyboardInterrupt):
                c_close(fd)
                raise
            except BaseException as exc:
                c_close(fd)
                self.loop.call_exception_handler(
                    {
                        "message": "Error on transport creation for incoming connection",
                        "exception": exc,
                    }
                )
                continue
            keep_address(cython.address(transport.peer), address, size)
            transport.server = server
            transport.begin()
        return 0

    def out_of_resources(self, error: cython.int):
        message = "socket.accept() failed"
        if error in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
            message = "socket.accept() out of system resource"
        self.pause()
        self.loop.call_exception_handler(
            {
                "message": message,
                "exception": OSError(error, strerror(error)),
                "socket": TransportSocket(self.socket),
            }
        )
        self.loop.call_later(RETRY_DELAY, self.start)
        return 0

    def _repr_info(self):
        return ["Listener", f"fd={self.fd}"]

    def cancel(self):
        """Not for listeners, which end with their server."""
        raise TypeError("a listener can't be cancelled; close the server")
