"""`listen`: a green socket that listens at an address, in each of the ways an address is written.

What is bound here is taken away here: `Listening` knows whether a UNIX socket's file is its own.
"""

import os
import socket as stdlib
from typing import Any

from mainspring.green.socket import getaddrinfo
from mainspring.green.socket_class import socket
from mainspring.net.socket_file import SocketFile, bind_to_path

__all__ = ["BACKLOG", "Address", "adopt_listener", "listen"]

type Address = int | str | bytes | os.PathLike[str] | tuple[Any, ...]

# How many connections the system holds until they are accepted; it has a bound of its own as well.
BACKLOG = 1024


def listen(
    address: Address,
    family: int | None = None,
    backlog: int = BACKLOG,
    reuse_addr: bool = True,
    reuse_port: bool = False,
) -> socket:
    """Returns a green socket that listens.

    Parameters:
        address: `(host, port)`, where an empty host is all interfaces; a port; `"host:port"`,
            `":port"`, `"[host]:port"`; or a UNIX socket's path (with a slash, or `"unix:path"`, or
            bytes, or a `Path`), whose stale file is removed. Port 0 is one that is free.
        family: `AF_INET`, `AF_INET6` or `AF_UNIX`; by default what the address says.
        backlog: how many connections the system holds until they are accepted.
        reuse_addr: False to refuse a port whose last connections are still on their way out.
        reuse_port: True to share the port with other sockets that say so.

    Raises:
        ValueError: the address is none of these.
        OSError: it can't be listened at; the message names it.
    """
    path, host, port = _parse(address, family)
    if path is not None:
        sock = socket(stdlib.AF_UNIX, stdlib.SOCK_STREAM)
        place: Any = path
    else:
        family, place = _resolve(host, port, family)
        sock = socket(family, stdlib.SOCK_STREAM)
    try:
        if path is not None:
            bind_to_path(sock, path)
        else:
            _bind(sock, place, reuse_addr, reuse_port, is_dual=host == "")
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def adopt_listener(listener: stdlib.socket) -> socket:
    """Returns a green socket for one that listens already.

    Parameters:
        listener: a socket; one of the stdlib's stays open, with an fd of its own.
    """
    if isinstance(listener, socket):
        return listener
    return socket(listener.family, listener.type, listener.proto, fileno=os.dup(listener.fileno()))


def socket_file(sock: stdlib.socket) -> SocketFile | None:
    """Returns the file of a socket that is bound to a path; None for others."""
    return SocketFile(sock) if sock.family == stdlib.AF_UNIX else None


def _parse(address: Address, family: int | None) -> tuple[str | bytes | None, str, int]:
    """Returns the path of an address, or None with its host and port."""
    if isinstance(address, os.PathLike):
        return os.fspath(address), "", 0
    if isinstance(address, bytes):
        return address, "", 0
    if isinstance(address, bool):
        raise ValueError(_explain(address))
    if isinstance(address, int):
        return None, "", address
    if isinstance(address, str):
        if address.startswith("unix:"):
            return address.removeprefix("unix:"), "", 0
        if family == stdlib.AF_UNIX or "/" in address or address.startswith("\0"):
            return address, "", 0
        host, colon, port = address.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit():
            raise ValueError(_explain(address))
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(_explain(address))
        return None, host, int(port)
    if isinstance(address, tuple) and len(address) >= 2 and isinstance(address[1], int):
        return None, address[0] or "", address[1]
    raise ValueError(_explain(address))


def _explain(address: object) -> str:
    return (
        f"can't listen at {address!r}: an address is (host, port), a port, 'host:port', "
        f"'[IPv6 host]:port', or a path with a slash in it for a UNIX socket"
    )


def _resolve(host: str, port: int, family: int | None) -> tuple[int, tuple[Any, ...]]:
    """Returns the family and the socket address of a host."""
    if not host:
        if family is None:
            family = stdlib.AF_INET6 if stdlib.has_dualstack_ipv6() else stdlib.AF_INET
        return family, (host, port)
    found = getaddrinfo(
        host, port, family or stdlib.AF_UNSPEC, stdlib.SOCK_STREAM, 0, stdlib.AI_PASSIVE
    )
    return found[0][0], found[0][4]


def _bind(
    sock: socket, address: tuple[Any, ...], reuse_addr: bool, reuse_port: bool, is_dual: bool
) -> None:
    if reuse_addr:
        sock.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_REUSEADDR, 1)
    if reuse_port:
        sock.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_REUSEPORT, 1)
    if sock.family == stdlib.AF_INET6:
        sock.setsockopt(stdlib.IPPROTO_IPV6, stdlib.IPV6_V6ONLY, 0 if is_dual else 1)
    try:
        sock.bind(address)
    except OSError as exc:
        raise OSError(exc.errno, f"can't listen at {address[:2]!r}: {exc.strerror}") from None
