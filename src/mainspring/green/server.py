"""`StreamServer`: a green thread for each connection, with gevent's names.

One green thread accepts; each handler is another, which inherits the server's priority, and whose
connection is closed when it ends, however it ends. With a pool nothing is accepted for which there
is no room: the system's backlog holds the rest. Out of fds it pauses, longer each time, instead of
being told again and again that somebody waits.
"""

import asyncio
import logging
import socket as stdlib
from collections.abc import Callable
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from types import TracebackType
from typing import Any, Self

from mainspring.core.priority import Priority
from mainspring.green.calls import green, spawn
from mainspring.green.generators import is_awaitable
from mainspring.green.group import Group, Pool
from mainspring.green.joining import joinall, killall
from mainspring.green.listening import BACKLOG, Address, adopt_listener, listen, socket_file
from mainspring.green.server_tls import (
    HANDSHAKE_TIMEOUT,
    accept_tls,
    say_goodbye,
    server_context,
)
from mainspring.green.socket_class import socket
from mainspring.green.ssl import SSLSocket
from mainspring.green.thread import GreenThread
from mainspring.green.waiting import await_, sleep
from mainspring.sync.event import Event

__all__ = ["StreamServer", "listen"]

logger = logging.getLogger(__name__)

type Handle = Callable[[socket, Any], object]
type Spawn = int | str | Group | Callable[..., GreenThread[Any]] | None

OUT_OF_RESOURCES = (EMFILE, ENFILE, ENOBUFS, ENOMEM)


class StreamServer:
    """A server of TCP or UNIX connections, with or without TLS.

    `with server:` starts and stops it; in a coroutine `async with server:`, and what waits is
    awaited as `green(server.stop)`.

    Parameters:
        listener: an address, as `listen` takes it; or a socket that listens, which is closed with
            the server.
        handle: called for each connection as `handle(connection, address)` in a green thread; what
            it returns is waited for if it can be awaited, so it may be a coroutine function or a
            generator function. The connection, a green socket, is closed at its end. What it raises
            goes to the loop's exception handler.
        backlog: how many connections the system holds until they are accepted.
        spawn: how many connections to have at once, or the `Pool` that they are to share; a
            function like `spawn` that starts a green thread; by default there is no bound.
        priority: the `Priority` of accepting and of all handlers; by default what the context of
            `start` names.
        ssl_handshake_timeout: seconds.
        ssl_args: `ssl_context`; or `certfile`, `keyfile`, `password`, `ca_certs`, `cert_reqs`,
            `ciphers`.

    Attributes:
        min_delay, max_delay: seconds to wait when out of fds: at first, at most.
        stop_timeout: seconds that `stop` gives the handlers; None for ever.

    Raises:
        ValueError: there can't be a pool of that size.
        TypeError: an argument isn't known.
    """

    min_delay = 0.01
    max_delay = 1.0
    stop_timeout: float | None = 1.0

    def __init__(
        self,
        listener: Address | stdlib.socket,
        handle: Handle | None = None,
        backlog: int | None = None,
        spawn: Spawn = "default",
        *,
        priority: Priority | int | None = None,
        ssl_handshake_timeout: float = HANDSHAKE_TIMEOUT,
        **ssl_args: Any,
    ) -> None:
        self._handle: Handle = self.handle if handle is None else handle
        self.backlog = BACKLOG if backlog is None else backlog
        self.pool: Group | None = None
        self.priority = priority
        self.ssl_context = server_context(ssl_args)
        self.ssl_handshake_timeout = ssl_handshake_timeout
        self.socket: socket | None = None
        self._listener = listener
        self._spawn = self._spawner(spawn)
        self._acceptor: GreenThread[None] | None = None
        self._file: Any = None
        self._connections: dict[GreenThread[Any], stdlib.socket] = {}
        self._end = Event()

    def handle(self, connection: socket, address: Any) -> object:
        """Serves a connection; a subclass defines it, or the constructor is given a function."""
        raise NotImplementedError(f"{type(self).__name__} has no handle(connection, address)")

    @property
    def started(self) -> bool:
        """True while connections are accepted."""
        return self._acceptor is not None

    @property
    def closed(self) -> bool:
        """True when the server has been closed."""
        return self._end.is_set()

    @property
    def address(self) -> Any:
        """Where it listens: the socket's address, or what was given before there is a socket."""
        if self.socket is not None:
            return self.socket.getsockname()
        return self._listener

    @property
    def server_host(self) -> str | None:
        """The host it listens at; None for a UNIX socket."""
        return self.address[0] if self._is_internet() else None

    @property
    def server_port(self) -> int | None:
        """The port it listens at; None for a UNIX socket."""
        return self.address[1] if self._is_internet() else None

    @property
    def connection_count(self) -> int:
        """How many connections are being served."""
        return len(self._connections)

    def init_socket(self) -> None:
        """Binds and listens, if that hasn't been done.

        Raises:
            OSError: it can't; the message names the address.
        """
        if self.socket is not None:
            return
        if isinstance(self._listener, stdlib.socket):
            self.socket = adopt_listener(self._listener)
        else:
            self.socket = listen(self._listener, backlog=self.backlog)
            self._file = socket_file(self.socket)

    def start(self) -> None:
        """Begins to accept connections; does nothing if it does so already.

        Raises:
            RuntimeError: no loop runs in this thread.
            OSError: it can't listen there; the message names the address.
        """
        if self._acceptor is not None:
            return
        asyncio.get_running_loop()
        self.init_socket()
        self._end.clear()
        self._acceptor = spawn(self._accept_all, self.socket, priority=self.priority)

    def close(self) -> None:
        """Stops accepting and closes the listening socket; handlers go on."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.kill(block=False)
        sock, self.socket = self.socket, None
        if sock is not None:
            sock.close()
        if isinstance(self._listener, stdlib.socket):
            self._listener.close()
        if self._file is not None:
            self._file.remove()
            self._file = None
        self._end.set()

    def stop(self, timeout: float | None = None) -> None:
        """Closes the server, and waits until its handlers have ended.

        Parameters:
            timeout: seconds to give them, `stop_timeout` by default; then they are killed.

        Raises:
            BlockingSwitchOutError: as `await_`; in a coroutine `await green(server.stop)`.
        """
        self.close()
        if timeout is None:
            timeout = self.stop_timeout
        # A handler may stop the server, and can't wait for itself.
        here = asyncio.current_task() if asyncio._get_running_loop() is not None else None
        joinall([thread for thread in self._connections if thread is not here], timeout)
        killall([thread for thread in self._connections if thread is not here])

    def serve_forever(self, stop_timeout: float | None = None) -> None:
        """Serves until somebody closes or stops the server, or this green thread is killed.

        Parameters:
            stop_timeout: seconds for the handlers, at the end; see `stop`.

        Raises:
            OSError: as `start`.
        """
        self.start()
        try:
            await_(self._end.wait())
        finally:
            self.stop(stop_timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await green(self.stop)

    def __repr__(self) -> str:
        state = "started" if self.started else "closed" if self.closed else "not started"
        return f"<{type(self).__name__} at {self.address!r}: {state}>"

    def _is_internet(self) -> bool:
        return self.socket is not None and self.socket.family != stdlib.AF_UNIX

    def _spawner(self, given: Spawn) -> Callable[..., GreenThread[Any]]:
        """Returns what starts the green thread of a connection."""
        if given is None or given == "default":
            return spawn
        if isinstance(given, int) and not isinstance(given, bool):
            given = Pool(given)
        if isinstance(given, Group):
            self.pool = given
            return given.spawn
        if callable(given):
            return given
        raise TypeError(f"spawn is to be a number, a Pool or a function, got {given!r}")

    def _accept_all(self, listener: socket) -> None:
        """Accepts until it is killed, or the socket closed."""
        delay = self.min_delay
        while True:
            if isinstance(self.pool, Pool):
                self.pool.wait_available()
            try:
                connection, address = listener.accept()
            except ConnectionAbortedError:
                continue
            except OSError as exc:
                if listener.fileno() < 0:
                    return
                if delay == self.min_delay:
                    self._report_accepting(exc, listener)
                sleep(delay)
                delay = min(2 * delay, self.max_delay)
                continue
            delay = self.min_delay
            self._begin(connection, address)

    def _begin(self, connection: stdlib.socket, address: Any) -> None:
        try:
            thread = self._spawn(self._serve, connection, address)
        except BaseException:
            connection.close()
            raise
        self._connections[thread] = connection
        thread.add_done_callback(self._forget)

    def _forget(self, thread: GreenThread[Any]) -> None:
        # One that was killed before it began has closed nothing.
        self._connections.pop(thread).close()

    def _serve(self, connection: socket, address: Any) -> None:
        """Runs the handler of a connection."""
        served: Any = connection
        try:
            if self.ssl_context is not None:
                served = accept_tls(connection, self.ssl_context, self.ssl_handshake_timeout)
        except OSError as exc:
            # Whoever asks a TLS port in plain text, or leaves: nothing is wrong here.
            logger.debug("%r: no TLS with %r: %s", self, address, exc)
            return
        try:
            result: Any = self._handle(served, address)
            if result is not None and is_awaitable(result):
                await_(result)
            if isinstance(served, SSLSocket):
                say_goodbye(served)
        except Exception as exc:
            self.report(served, address, exc)
        finally:
            served.close()

    def report(self, connection: socket, address: Any, exc: Exception) -> None:
        """Tells the loop's exception handler what a handler has raised.

        Parameters:
            connection: the connection.
            address: its peer's address.
            exc: what was raised.
        """
        # Without the task, whose context the handler would have to enter, where this runs already.
        asyncio.get_running_loop().call_exception_handler(
            {
                "message": f"Unhandled exception in a handler of {self!r}, "
                f"in the connection from {address!r}",
                "exception": exc,
                "socket": connection,
                "peername": address,
            }
        )

    def _report_accepting(self, exc: OSError, listener: socket) -> None:
        message = "socket.accept() failed"
        if exc.errno in OUT_OF_RESOURCES:
            message = "socket.accept() out of system resource"
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"{message}; trying again", "exception": exc, "socket": listener}
        )
