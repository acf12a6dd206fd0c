"""Names and addresses: what needs no look-up is answered at once."""

import socket
from typing import Any

__all__ = ["literal_addresses"]


def literal_addresses(
    host: str | bytes | None,
    port: str | bytes | int | None,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
) -> list[tuple[Any, ...]] | None:
    """Answers `socket.getaddrinfo` for a literal address and a numeric port.

    Returns:
        What `socket.getaddrinfo` returns, or None when the host or the port is a name, which takes
        a look-up that may block.

    Raises:
        OSError: the address doesn't fit the family asked for (`socket.gaierror`).
    """
    if not _is_numeric_port(port) or not (host is None or _is_literal(host)):
        return None
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return socket.getaddrinfo(host, port, family, type, proto, flags | numeric)


def _is_numeric_port(port: str | bytes | int | None) -> bool:
    return port is None or isinstance(port, int) or (bool(port) and port.isdigit())


def _is_literal(host: str | bytes) -> bool:
    if isinstance(host, bytes):
        try:
            host = host.decode("ascii")
        except UnicodeDecodeError:
            return False
    address, _, _ = host.partition("%")
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return True
    return False
