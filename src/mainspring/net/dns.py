"""Names and addresses: what needs no look-up is answered at once."""

import contextlib
import operator
import socket
from collections.abc import Callable
from typing import Any

__all__ = ["check_address", "literal_addresses"]


def check_address(host: Any, port: Any) -> tuple[Any, Any]:
    """Refuses what a look-up would make another address of: libraries of C cut both short.

    Parameters:
        host: a name or a literal address.
        port: a number, or a service's name or number as text.

    Returns:
        The two, the port as an `int` if it is any kind of number; an empty one is 0.

    Raises:
        OverflowError: the port is not between 0 and 65535.
        ValueError: the host has a NUL in it.
    """
    if (isinstance(host, str) and "\0" in host) or (isinstance(host, bytes) and 0 in host):
        raise ValueError(f"embedded null character in the host {host!r}")
    if isinstance(port, (str, bytes)):
        # What is no number is the name of a service.
        with contextlib.suppress(ValueError):
            port = int(port or 0)
    elif port is not None:
        port = operator.index(port)
    if isinstance(port, int) and not 0 <= port <= 65535:
        raise OverflowError(f"port must be 0-65535, not {port!r}")
    return host, port


def literal_addresses(
    host: str | bytes | None,
    port: str | bytes | int | None,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
    look_up: Callable[..., list[tuple[Any, ...]]] | None = None,
) -> list[tuple[Any, ...]] | None:
    """Answers `socket.getaddrinfo` for a literal address and a numeric port.

    Parameters:
        host, port, family, type, proto, flags: as `socket.getaddrinfo` takes them.
        look_up: what does so without blocking here; by default `socket.getaddrinfo`.

    Returns:
        What `socket.getaddrinfo` returns, or None when the host or the port is a name, which takes
        a look-up that may block.

    Raises:
        OSError: the address doesn't fit the family asked for (`socket.gaierror`).
    """
    if not _is_numeric_port(port) or not (host is None or _is_literal(host)):
        return None
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    look_up = look_up or socket.getaddrinfo
    return look_up(host, port, family, type, proto, flags | numeric)


def _is_numeric_port(port: Any) -> bool:
    if isinstance(port, (str, bytes)):
        return port.isascii() and port.isdigit()
    return port is None or isinstance(port, int)


def _is_literal(host: Any) -> bool:
    if isinstance(host, bytes):
        try:
            host = host.decode("ascii")
        except UnicodeDecodeError:
            return False
    if not isinstance(host, str):
        # The system's look-up says what is wrong.
        return False
    address, _, _ = host.partition("%")
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return True
    return False
