"""Look-ups that block only the green thread: the loop's own, or the stdlib's in a thread.

A literal address is answered at once. Outside a green thread these are the stdlib's functions.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from mainspring.green.call import current
from mainspring.green.waiting import await_
from mainspring.net.dns import check_address, literal_addresses

__all__ = [
    "getaddrinfo",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "resolve",
]

_getaddrinfo = socket.getaddrinfo
_gethostbyaddr = socket.gethostbyaddr
_gethostbyname = socket.gethostbyname
_gethostbyname_ex = socket.gethostbyname_ex
_getnameinfo = socket.getnameinfo
_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


def getaddrinfo(
    host: bytes | str | None,
    port: bytes | str | int | None,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
) -> list[Any]:
    """`socket.getaddrinfo`; a green thread that calls it waits alone."""
    if current() is None:
        return _getaddrinfo(host, port, family, type, proto, flags)
    known = literal_addresses(host, port, family, type, proto, flags)
    if known is not None:
        return known
    return await_(
        asyncio.get_running_loop().getaddrinfo(
            host, port, family=family, type=type, proto=proto, flags=flags
        )
    )


def gethostbyname(hostname: str, /) -> str:
    """`socket.gethostbyname`; a green thread that calls it waits alone."""
    return _in_thread(_gethostbyname, hostname)


def gethostbyname_ex(hostname: str, /) -> tuple[str, list[str], list[str]]:
    """`socket.gethostbyname_ex`; a green thread that calls it waits alone."""
    return _in_thread(_gethostbyname_ex, hostname)


def gethostbyaddr(ip_address: str, /) -> tuple[str, list[str], list[str]]:
    """`socket.gethostbyaddr`; a green thread that calls it waits alone."""
    return _in_thread(_gethostbyaddr, ip_address)


def getnameinfo(sockaddr: Any, flags: int, /) -> tuple[str, str]:
    """`socket.getnameinfo`; a green thread that calls it waits alone."""
    if flags & _NUMERIC == _NUMERIC:
        return _getnameinfo(sockaddr, flags)
    return _in_thread(_getnameinfo, sockaddr, flags)


def resolve(sock: socket.socket, address: Any) -> Any:
    """Looks the host of an address up, if it is a name, so that the system needn't.

    Parameters:
        sock: the socket that the address is for.
        address: as `socket.connect` takes it.

    Returns:
        The address with a literal host; what isn't understood here as it is.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or current() is None:
        return address
    if not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if not isinstance(host, (str, bytes, bytearray)) or not host or host == "<broadcast>":
        return address
    if not isinstance(port, int):
        return address
    check_address(host if isinstance(host, str) else bytes(host), port)
    if isinstance(host, bytearray):
        host = bytes(host)
    found = getaddrinfo(host, port, sock.family, sock.type, sock.proto)
    return (*found[0][4][:2], *address[2:]) if len(address) > 2 else found[0][4]


def _in_thread[*Ts, T](function: Callable[[*Ts], T], *args: *Ts) -> T:
    if current() is None:
        return function(*args)
    return await_(asyncio.get_running_loop().run_in_executor(None, function, *args))
