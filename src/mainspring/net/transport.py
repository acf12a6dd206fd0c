"""`FdTransport`: what every transport is, of a socket or of a pipe. It owns an fd and has a life.

It starts (`connection_made`, then it reads), it ends (`connection_lost`, then the fd is closed),
each as a runnable of the loop, in order with all else. The fd is owned once: that of a socket by
the transport, until somebody asks for the socket, and from then by that socket object, through
which the transport closes; that of a pipe by the file object that the transport was made of.
It is closed in one place, after it was taken out of the fd table, so no event of an old connection
reaches a new one that got its number.
"""

import socket
import warnings
from asyncio.log import logger
from asyncio.trsock import TransportSocket

import cython
from cython.cimports.mainspring.core.capi import PyContext_CopyCurrent, PyErr_GetRaisedException
from cython.cimports.mainspring.core.fds import Watcher
from cython.cimports.mainspring.core.level import DEFAULT_LEVEL
from cython.cimports.mainspring.core.poller import READ, WRITE
from cython.cimports.mainspring.core.priority import level_of
from cython.cimports.mainspring.core.watching import CallbackWatcher
from cython.cimports.mainspring.net.address import (
    address_tuple,
    drop_address,
    local_address,
    peer_address,
)
from cython.cimports.mainspring.net.system import c_close

from mainspring.core.priority import Priority


class FdTransport(Watcher):
    """The base of the transports; a subclass reads and writes."""

    def __dealloc__(self):
        drop_address(cython.address(self.local))
        drop_address(cython.address(self.peer))

    def take(self, fd: cython.int, protocol, context, level: cython.int):
        """Makes an fd the transport's own. The scheduler is set by then."""
        self.fd = -1
        if not hasattr(protocol, "connection_made"):
            raise AttributeError(
                f"the protocol factory returned {protocol!r}, which has no connection_made(); "
                f"return an asyncio.Protocol or BufferedProtocol"
            )
        self.loop = self.scheduler
        self.context = PyContext_CopyCurrent() if context is None else context
        self.base_level = level
        self.protocol = protocol
        self.protocol_changed()
        # Its own only now that nothing can go wrong; until then the caller closes it.
        self.fd = fd
        return 0

    def take_socket(self, sock):
        """Makes a socket object the owner of the fd.

        Its own `close()` then waits for the transport's, as it does for a file made of a socket:
        the number can't be given to another connection while the transport uses it. It is kept as
        `get_extra_info` shows it.
        """
        sock._io_refs += 1
        self.owner = TransportSocket(sock)
        return 0

    def begin(self):
        """Queues the start; from here the transport ends by its own `end` only."""
        self.is_starting = True
        self.part_from_others()
        self.scheduler.fds.add(self, 0)
        if self.server is not None:
            self.server._attach(self)
        self.scheduler.queue.push(self, self.base_level)
        return 0

    def part_from_others(self):
        """Ends the callbacks that somebody left on this number, as asyncio's transports do.

        Those of a file before, closed without a word to the loop, would pass for a registration of
        this one, and it would be told of nothing.
        """
        other: Watcher = self.scheduler.fds.first(self.fd)
        while other is not None:
            sibling: Watcher = other.sibling
            if isinstance(other, CallbackWatcher):
                other.cancel()
            other = sibling
        return 0

    def run(self):
        ready: cython.int = self.ready
        self.ready = 0
        if ready:
            if ready & READ and self.interest & READ:
                self.read_ready()
            if ready & WRITE and self.interest & WRITE:
                self.write_ready()
        elif self.is_starting:
            self.start()
        elif self.is_ending:
            self.end()
        return 0

    def start(self):
        waiter = self.waiter
        self.waiter = None
        try:
            self.call_protocol("connection_made", self)
        finally:
            self.is_starting = False
            if self.is_ending:
                self.scheduler.queue.push(self, self.base_level)
            else:
                try:
                    self.start_reading()
                except OSError as exc:
                    self.watching_failed(exc)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        return 0

    def end(self):
        if self.is_ended:
            return 0
        self.is_ended = True
        exc = self.lost_exception
        protocol = self.protocol
        server = self.server
        try:
            if protocol is not None:
                self.call_protocol("connection_lost", exc)
        finally:
            self.close_fd()
            self.protocol = None
            self.lost_exception = None
            self.server = None
            self.protocol_changed()
            if server is not None:
                server._detach(self)
        return 0

    def close_fd(self):
        """Closes the fd: the only place that does."""
        fd: cython.int = self.fd
        if fd < 0:
            return 0
        self.scheduler.fds.remove(self)
        if self.local.size == 0 and not self.is_pipe:
            local_address(fd, cython.address(self.local))
        return self.release_fd()

    def release_fd(self):
        """Gives the fd back to the system, through the object that owns it if one does."""
        fd: cython.int = self.fd
        self.fd = -1
        if self.owner is None:
            c_close(fd)
            return 0
        owner = self.owner
        try:
            if not self.is_pipe:
                owner = owner._sock
                owner._decref_socketios()
            owner.close()
        except OSError as exc:
            # Somebody else has closed it.
            self.report(exc, "Exception while closing the connection")
        return 0

    def schedule_end(self, exc):
        """Queues `connection_lost`, once; what was still queued for this transport is dropped."""
        if self.is_ending:
            return 0
        self.is_ending = True
        self.lost_exception = exc
        if self.fd >= 0 and self.scheduler.fds.first(self.fd) is not None:
            self.scheduler.fds.set_interest(self, 0)
        self.ready = 0
        if not self.is_starting:
            self.scheduler.queue.push(self, self.base_level)
        return 0

    def force_close(self, exc):
        """Ends the connection now; what was not sent is lost."""
        if self.is_ending:
            return 0
        self.drop_writes()
        self.is_closing_ = True
        self.lost_writes += 1
        self.schedule_end(exc)
        return 0

    def fatal_error(self, exc, message: str):
        """Ends the connection for an error; other than the peer's it is reported."""
        if not self.is_peers(exc):
            self.report(exc, message)
        elif self.scheduler.is_debug:
            logger.debug("%r: %s", self, message, exc_info=exc)
        self.force_close(exc)
        return 0

    def watching_failed(self, exc):
        """Ends the connection because it can't be watched: no room in the system, or no such fd."""
        self.report(exc, "Fatal error: the connection can't be watched")
        return self.force_close(exc)

    def is_peers(self, exc):
        """Returns True for an error that is the peer's doing, or the network's."""
        return isinstance(exc, OSError)

    def report(self, exc, message: str):
        self.loop.call_exception_handler(
            {
                "message": message,
                "exception": exc,
                "transport": self,
                "protocol": self.protocol,
            }
        )
        return 0

    def protocol_failed(self, method: str):
        """Deals with the exception that a method of the protocol raised while data came in."""
        exc = PyErr_GetRaisedException()
        if isinstance(exc, (SystemExit, KeyboardInterrupt)):
            raise exc
        self.fatal_error(exc, f"Fatal error: protocol.{method}() call failed.")
        return 0

    def call_protocol(self, name: str, argument):
        """Calls a method of the protocol in the transport's context; errors are reported."""
        try:
            self.context.run(getattr(self.protocol, name), argument)
            return 0
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as raised:
            exc = raised
        return self.report(exc, f"Exception in callback protocol.{name}()")

    def close(self):
        """Closes the connection once what was written is sent; `connection_lost(None)` follows."""
        if self.is_closing_:
            return
        self.is_closing_ = True
        if self.interest & READ:
            self.scheduler.fds.set_interest(self, self.interest & ~READ)
        self.flush()
        if not self.has_writes():
            self.lost_writes += 1
            self.schedule_end(None)

    def abort(self):
        """Closes the connection at once; what the system doesn't take now is not sent."""
        self.flush()
        self.force_close(None)

    def _force_close(self, exc):
        # What asyncio's own TLS layer, and others modelled on it, end a connection with.
        self.force_close(exc)

    def is_closing(self):
        """Returns True once the transport is closing or closed."""
        return self.is_closing_

    def cancel(self):
        """Not for transports, which end by `close()` or `abort()`."""
        raise TypeError("a transport can't be cancelled; use close() or abort()")

    def get_protocol(self):
        """Returns the protocol."""
        return self.protocol

    def set_protocol(self, protocol):
        """Sets the protocol; data goes to it from now on."""
        self.protocol = protocol
        self.protocol_changed()

    def set_priority(self, priority):
        """Sets the `Priority` at which the transport's events run, from now on.

        Raises:
            ValueError: it is not one of the five.
        """
        self.move_to(self.scheduler.queue, level_of(priority))

    def get_priority(self):
        """Returns the `Priority` at which the transport's events run."""
        return Priority(self.base_level - DEFAULT_LEVEL)

    def get_extra_info(self, name, default=None):
        """Returns what is known about the connection: `socket`, `sockname`, `peername`; or `pipe`.

        The socket is an `asyncio.TransportSocket`: to look at and to set options of, not to close.
        It is made when it is first asked for, and the same from then on.
        """
        if self.is_pipe:
            return self.owner if name == "pipe" else default
        if name == "socket":
            if self.owner is None:
                if self.fd < 0:
                    return default
                self.take_socket(socket.socket(fileno=self.fd))
            return self.owner
        if name == "sockname":
            if self.local.size == 0 and self.fd >= 0:
                local_address(self.fd, cython.address(self.local))
            found = address_tuple(cython.address(self.local))
            if found is None and self.fd >= 0:
                found = self.get_extra_info("socket").getsockname()
            return default if found is None else found
        if name == "peername":
            if self.peer.size == 0 and self.fd >= 0:
                peer_address(self.fd, cython.address(self.peer))
            found = address_tuple(cython.address(self.peer))
            return default if found is None else found
        return default

    def _repr_info(self):
        info = [type(self).__name__]
        if self.fd < 0:
            info.append("closed")
        elif self.is_closing_:
            info.append("closing")
        if self.fd >= 0:
            info.append(f"fd={self.fd}")
        return info

    def __del__(self):
        if self.fd >= 0:
            try:
                # It raises where warnings are errors.
                warnings.warn(f"unclosed transport {self!r}", ResourceWarning, source=self)
            finally:
                self.release_fd()

    def read_ready(self):
        return 0

    def write_ready(self):
        return 0

    def start_reading(self):
        return 0

    def protocol_changed(self):
        return 0

    def drop_writes(self):
        return 0

    def has_writes(self):
        return False
