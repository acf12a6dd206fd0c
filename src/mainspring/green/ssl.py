"""The stdlib's `ssl` for green threads: handshake, read, write and shutdown wait greenly there.

The socket below never blocks. What OpenSSL asks for is waited for, in either direction whatever is
being done: a read may have to write, and the other way round.
"""

import ssl as _stdlib
from collections.abc import Callable
from ssl import *
from typing import Any

from mainspring.green.socket import create_connection as create_connection
from mainspring.green.socket_class import socket as socket
from mainspring.green.stdlib import adopt, rebind

__implements__ = (
    "SSLContext",
    "SSLSocket",
    "create_default_context",
    "get_server_certificate",
    # Where http.client, smtplib and others find their contexts.
    "_create_default_https_context",
    "_create_stdlib_context",
    "_create_unverified_context",
)


class _Connection:
    """The interpreter's own object of a TLS connection, with calls that wait."""

    __slots__ = ("_sock", "_sslobj")

    def __init__(self, sslobj: Any, sock: "SSLSocket") -> None:
        object.__setattr__(self, "_sslobj", sslobj)
        object.__setattr__(self, "_sock", sock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sslobj, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._sslobj, name, value)

    def do_handshake(self) -> None:
        self._sock._until_done("handshake", self._sslobj.do_handshake)

    def read(self, *args: Any) -> Any:
        return self._sock._until_done("read", self._sslobj.read, *args)

    def write(self, data: Any) -> Any:
        return self._sock._until_done("write", self._sslobj.write, data)

    def shutdown(self) -> Any:
        return self._sock._until_done("shutdown", self._sslobj.shutdown)


class SSLSocket(_stdlib.SSLSocket, socket):
    """`ssl.SSLSocket`; a green thread that waits for it waits alone."""

    __connection: Any = None

    @property
    def _sslobj(self) -> Any:
        return self.__connection

    @_sslobj.setter
    def _sslobj(self, sslobj: Any) -> None:
        self.__connection = None if sslobj is None else _Connection(sslobj, self)

    def settimeout(self, value: float | None, /) -> None:
        """Sets how long a call may wait, in seconds; None for no bound, 0 to raise instead."""
        super().settimeout(value)
        if value is None:
            # OpenSSL would block as the socket does.
            self._hold()  # type: ignore[attr-defined]

    def setblocking(self, flag: bool, /) -> None:
        """Sets whether calls wait."""
        self.settimeout(None if flag else 0.0)

    def _until_done(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """Calls a function of the connection until it neither wants to read nor to write."""
        channel = self._channel
        deadline: float | None = None
        while True:
            try:
                return function(*args)
            except SSLWantReadError:
                is_write = False
                if channel.timeout == 0:
                    raise
            except SSLWantWriteError:
                is_write = True
                if channel.timeout == 0:
                    raise
            if deadline is None:
                deadline = channel.time_limit()
            try:
                channel.wait_until(is_write, deadline)
            except TimeoutError:
                raise TimeoutError(f"The {name} operation timed out") from None


class SSLContext(_stdlib.SSLContext):
    """`ssl.SSLContext`, whose sockets are green."""

    sslsocket_class = SSLSocket


create_default_context = rebind(_stdlib.create_default_context, globals())
get_server_certificate = rebind(_stdlib.get_server_certificate, globals())
_create_unverified_context = rebind(
    _stdlib._create_unverified_context,
    globals(),
)
_create_default_https_context = create_default_context
_create_stdlib_context = _create_unverified_context

adopt(globals(), _stdlib)
