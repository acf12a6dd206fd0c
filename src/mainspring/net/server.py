"""`Server`: what `create_server` returns. It owns the listening sockets and counts connections."""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mainspring.core.priority import Priority, priority_level
from mainspring.net.listener import Listener
from mainspring.net.stream import transports_of

if TYPE_CHECKING:
    from mainspring.net.tls import SSLOptions

__all__ = ["Server"]


class Server(asyncio.AbstractServer):
    """A server; asyncio's, with a priority for its connections.

    Parameters:
        loop: the loop.
        sockets: the bound sockets, which the server closes.
        protocol_factory: makes the protocol of each connection.
        backlog: the backlog of each socket.
        level: the level at which connections are accepted, and that of each.
        cleanup: called once the sockets are closed.
        options: how connections are encrypted; None for not at all.
    """

    def __init__(
        self,
        loop: Any,
        sockets: list[socket.socket],
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        backlog: int,
        level: int,
        cleanup: Callable[[], None] | None = None,
        options: "SSLOptions | None" = None,
    ) -> None:
        self._loop = loop
        self._cleanup = cleanup
        self._sockets: list[socket.socket] | None = sockets
        self._listeners: list[Listener] = []
        self._level = level
        self._make_listener: Callable[[socket.socket], Listener] = lambda sock: Listener(
            loop, sock, protocol_factory, self, backlog, self._level, options
        )
        self._backlog = backlog
        self._active = 0
        self._waiters: list[asyncio.Future[None]] | None = []
        self._serving = False
        self._serving_forever: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} sockets={self.sockets!r}>"

    def __del__(self) -> None:
        for sock in self._sockets or ():
            sock.close()

    @property
    def sockets(self) -> tuple[TransportSocket, ...]:
        """The listening sockets; none once the server is closed."""
        return tuple(TransportSocket(sock) for sock in self._sockets or ())

    def get_loop(self) -> Any:
        """Returns the loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Returns True while connections are accepted."""
        return self._serving

    def get_priority(self) -> Priority:
        """Returns the `Priority` of accepting, and of the connections that are accepted now."""
        return Priority(Priority.URGENT + self._level)

    def set_priority(self, priority: Priority | int | None, *, connections: bool = False) -> None:
        """Sets the `Priority` of accepting, and of each connection that is accepted from now on.

        Parameters:
            priority: a `Priority`; None for the one that the current context names.
            connections: True to set that of the open connections too.

        Raises:
            ValueError: it is not one of the five.
        """
        self._level = priority_level(priority)
        for listener in self._listeners:
            listener.set_level(self._level)
        if connections:
            for transport in transports_of(self._loop, self):
                transport.set_priority(self.get_priority())

    async def start_serving(self) -> None:
        """Begins to accept connections; does nothing when begun.

        Raises:
            RuntimeError: the server is closed.
        """
        self._start_serving()
        # What connects from now on is accepted in the next iteration.
        await asyncio.sleep(0)

    def _start_serving(self) -> None:
        if self._serving:
            return
        if self._sockets is None:
            raise RuntimeError(f"server {self!r} is closed")
        for sock in self._sockets:
            try:
                sock.listen(self._backlog)
            except OSError as exc:
                # Two may bind an address with SO_REUSEADDR; only one may listen.
                raise OSError(
                    exc.errno,
                    f"error while attempting to listen on address {sock.getsockname()!r}: "
                    f"{str(exc).lower()}",
                ) from None
        self._serving = True
        for sock in self._sockets:
            listener = self._make_listener(sock)
            self._listeners.append(listener)
            listener.start()

    async def serve_forever(self) -> None:
        """Accepts connections until the server is closed or the calling task cancelled.

        Raises:
            RuntimeError: it is being served for ever already, or is closed.
        """
        if self._serving_forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        if self._sockets is None:
            raise RuntimeError(f"server {self!r} is closed")
        self._start_serving()
        self._serving_forever = self._loop.create_future()
        try:
            await self._serving_forever
        except asyncio.CancelledError:
            try:
                self.close()
                # Or a client that just stays would keep the cancelled task waiting.
                self.close_clients()
                await self.wait_closed()
            finally:
                raise
        finally:
            self._serving_forever = None

    def close(self) -> None:
        """Stops accepting and closes the listening sockets; connections live on."""
        sockets, self._sockets = self._sockets, None
        if sockets is None:
            return
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for sock in sockets:
            sock.close()
        if self._cleanup is not None:
            self._cleanup()
        self._serving = False
        if self._serving_forever is not None and not self._serving_forever.done():
            self._serving_forever.cancel()
        if self._active == 0:
            self._wake_waiters()

    def close_clients(self) -> None:
        """Closes all connections, each once what was written to it is sent."""
        for transport in transports_of(self._loop, self):
            transport.close()

    def abort_clients(self) -> None:
        """Closes all connections at once."""
        for transport in transports_of(self._loop, self):
            transport.abort()

    async def wait_closed(self) -> None:
        """Waits until the server is closed and its last connection has ended."""
        if self._waiters is None:
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def _attach(self, transport: Any) -> None:
        self._active += 1

    def _detach(self, transport: Any) -> None:
        self._active -= 1
        if self._active == 0 and self._sockets is None:
            self._wake_waiters()

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
