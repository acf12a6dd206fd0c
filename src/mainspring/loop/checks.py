"""Checks of arguments that several calls of the loop share."""

import socket
from typing import TYPE_CHECKING, Any

from mainspring.core.priority import Priority, priority_level

if TYPE_CHECKING:
    from mainspring.net.tls import SSLOptions

try:
    from ssl import SSLSocket as _SSLSocket
except ImportError:
    _SSLSocket = ()  # type: ignore[assignment, misc]  # an instance of nothing

__all__ = [
    "check_non_blocking",
    "check_socket",
    "check_ssl",
    "check_unix_socket",
    "resolve_priority",
]


def check_socket(sock: socket.socket) -> None:
    """Raises unless `sock` is a stream socket.

    Raises:
        TypeError: it is an `ssl.SSLSocket`, which does its own I/O.
        ValueError: it is a datagram socket, say.
    """
    if isinstance(sock, _SSLSocket):
        raise TypeError(f"Socket cannot be of type SSLSocket: {sock!r}")
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"A Stream Socket was expected, got {sock!r}")


def check_unix_socket(sock: socket.socket) -> None:
    """Raises ValueError unless `sock` is a stream socket of the UNIX family."""
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        raise ValueError(f"A UNIX Domain Stream Socket was expected, got {sock!r}")


def check_non_blocking(sock: socket.socket) -> None:
    """Raises ValueError when `sock` blocks: the call would hold up the loop."""
    if sock.gettimeout() != 0:
        raise ValueError(
            f"the socket must be non-blocking, call setblocking(False) on it first: {sock!r}"
        )


def check_ssl(
    ssl: Any,
    handshake_timeout: float | None,
    shutdown_timeout: float | None,
    *,
    server_side: bool,
    server_hostname: str | None = None,
) -> "SSLOptions | None":
    """Returns what a connection is to be encrypted with; None when `ssl` doesn't ask for it.

    Raises:
        ValueError: an option has no meaning without `ssl`, or is wrong.
    """
    if ssl:
        # Here, because an interpreter may lack the ssl module.
        from mainspring.net.tls import ssl_options

        return ssl_options(ssl, server_side, server_hostname, handshake_timeout, shutdown_timeout)
    for name, value in (
        ("server_hostname", server_hostname),
        ("ssl_handshake_timeout", handshake_timeout),
        ("ssl_shutdown_timeout", shutdown_timeout),
    ):
        if value is not None:
            raise ValueError(f"{name} is only meaningful with ssl")
    return None


def resolve_priority(priority: Priority | int | None) -> int:
    """Returns the level of a priority, by default of the one that the current context names.

    Raises:
        ValueError: it is not one of the five.
    """
    return priority_level(priority)
