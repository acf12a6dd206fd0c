"""`WSGIServer`: a WSGI application behind HTTP/1.1, each connection in a green thread.

What an application waits for, in `await_`, a green socket or a patched module, only its own request
waits for.
"""

import logging
import socket as stdlib
from collections.abc import Callable, Iterable
from typing import Any

from mainspring.core.priority import Priority
from mainspring.green.listening import Address
from mainspring.green.server import Spawn, StreamServer
from mainspring.green.server_tls import HANDSHAKE_TIMEOUT
from mainspring.green.socket_class import socket
from mainspring.green.wsgi.connection import Connection
from mainspring.green.wsgi.environ import Environ, base_environ
from mainspring.green.wsgi.errors import RequestError
from mainspring.green.wsgi.logs import ACCESS, ERRORS, ErrorStream, log_access
from mainspring.green.wsgi.response import Response
from mainspring.green.wsgi.settings import take_settings

__all__ = ["WSGIServer"]

type Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class WSGIServer(StreamServer):
    """A server of WSGI applications.

    Parameters:
        listener, backlog, spawn, priority, ssl_handshake_timeout: see `StreamServer`.
        application: called as `application(environ, start_response)` for each request.
        log: the logger of requests; None for none. By default `mainspring.wsgi.access`.
        error_log: the logger of errors, and `wsgi.errors`. By default `mainspring.wsgi`.
        environ: what each request's environ is to have besides.
        options: the fields of `Settings`, and the arguments of TLS; see `StreamServer`.

    Attributes:
        settings: the `Settings`.
        base_environ: what all environs have, once the server has a socket.

    Raises:
        TypeError: `application` can't be called, or an argument isn't known.
    """

    stop_timeout = 30.0

    def __init__(
        self,
        listener: Address | stdlib.socket,
        application: Application,
        backlog: int | None = None,
        spawn: Spawn = "default",
        log: logging.Logger | None = ACCESS,
        error_log: logging.Logger = ERRORS,
        environ: Environ | None = None,
        *,
        priority: Priority | int | None = None,
        ssl_handshake_timeout: float = HANDSHAKE_TIMEOUT,
        **options: Any,
    ) -> None:
        if not callable(application):
            raise TypeError(f"an application is called, which {application!r} can't be")
        self.settings = take_settings(options)
        super().__init__(
            listener,
            None,
            backlog,
            spawn,
            priority=priority,
            ssl_handshake_timeout=ssl_handshake_timeout,
            **options,
        )
        self.application = application
        self.log = log
        self.error_log = error_log
        self.base_environ: Environ = {}
        self._environ = environ or {}
        self._clients: set[Connection] = set()

    def init_socket(self) -> None:
        """Binds and listens; see `StreamServer`."""
        super().init_socket()
        errors = ErrorStream(self.error_log)
        base = base_environ(self.address, self.ssl_context is not None, errors)
        self.base_environ = {**base, **self._environ}

    def close(self) -> None:
        """Stops accepting; what is under way is finished, and then its connection ends."""
        super().close()
        for client in list(self._clients):
            client.end_if_idle()

    def handle(self, connection: socket, address: Any) -> None:
        """Serves a connection."""
        if connection.family != stdlib.AF_UNIX:
            # A response is to leave at once.
            connection.setsockopt(stdlib.IPPROTO_TCP, stdlib.TCP_NODELAY, 1)
        client = Connection(self, connection, address)
        self._clients.add(client)
        try:
            client.serve()
        finally:
            self._clients.discard(client)

    def log_access(self, environ: Environ, response: Response, seconds: float) -> None:
        """Logs a request that has been answered, or whose answer has failed.

        Parameters:
            environ: the request's.
            response: the response.
            seconds: how long that took.
        """
        if self.log is not None and self.log.isEnabledFor(logging.INFO):
            log_access(self.log, environ, response, seconds)

    def report_error(self, environ: Environ, exc: BaseException) -> None:
        """Logs what an application has raised.

        Parameters:
            environ: the request's.
            exc: what it raised.
        """
        self.error_log.error(
            "%s %s from %s failed",
            environ["REQUEST_METHOD"],
            ascii(environ["RAW_URI"]),
            environ.get("REMOTE_ADDR", "-"),
            exc_info=exc,
        )

    def report_refused(self, address: Any, error: RequestError) -> None:
        """Logs a request that was refused.

        Parameters:
            address: the client's.
            error: why.
        """
        self.error_log.info("a request from %r was refused: %s", address, error.reason)
