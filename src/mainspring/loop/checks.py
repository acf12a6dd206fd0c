"""Checks of arguments that several calls of the loop share."""

import socket
from typing import Any

from mainspring.core.priority import Priority, priority_level

__all__ = [
    "check_non_blocking",
    "check_socket",
    "check_unix_socket",
    "refuse_tls",
    "resolve_priority",
]


def check_socket(sock: socket.socket) -> None:
    """Raises ValueError unless `sock` is a stream socket."""
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


def refuse_tls(ssl: Any, *timeouts: float | None, server_hostname: str | None = None) -> None:
    """Raises where TLS was asked for, which this loop doesn't have yet, or half asked for."""
    if ssl:
        raise NotImplementedError("TLS is not supported yet: ssl= must be None or False")
    if server_hostname is not None:
        raise ValueError("server_hostname is only meaningful with ssl")
    for name, timeout in zip(
        ("ssl_handshake_timeout", "ssl_shutdown_timeout"), timeouts, strict=False
    ):
        if timeout is not None:
            raise ValueError(f"{name} is only meaningful with ssl")


def resolve_priority(priority: Priority | int | None) -> int:
    """Returns the level of a priority, by default of the one that the current context names.

    Raises:
        ValueError: it is not one of the five.
    """
    return priority_level(priority)
