"""Socket addresses, kept as the system gives them and made into Python's tuples when asked for.

A tuple of an address takes five times the memory, and most connections are never asked.
"""

import cython
from cython.cimports.libc.string import memcpy
from cython.cimports.mainspring.net.system import (
    AF_INET,
    AF_INET6,
    c_getpeername,
    c_getsockname,
    inet_ntop,
    ntohl,
    ntohs,
    sockaddr,
    sockaddr_in,
    sockaddr_in6,
    socklen_t,
)


def keep_address(
    address: cython.pointer(Address), given: cython.pointer(sockaddr), size: socklen_t
):
    """Copies an address; one of a family that doesn't fit is kept as unknown."""
    address.size = 0
    if size <= ADDRESS_SIZE and (given.sa_family == AF_INET or given.sa_family == AF_INET6):
        memcpy(address.raw, given, size)
        address.size = size


def local_address(fd: cython.int, address: cython.pointer(Address)):
    """Asks for a socket's own address."""
    raw: cython.uchar[128]
    size: socklen_t = 128
    address.size = 0
    if c_getsockname(fd, cython.cast(cython.pointer(sockaddr), raw), cython.address(size)) == 0:
        keep_address(address, cython.cast(cython.pointer(sockaddr), raw), size)


def peer_address(fd: cython.int, address: cython.pointer(Address)):
    """Asks for the address of a socket's peer."""
    raw: cython.uchar[128]
    size: socklen_t = 128
    address.size = 0
    if c_getpeername(fd, cython.cast(cython.pointer(sockaddr), raw), cython.address(size)) == 0:
        keep_address(address, cython.cast(cython.pointer(sockaddr), raw), size)


def address_tuple(address: cython.pointer(Address)):
    """Returns an address as the `socket` module does, None for an unknown one."""
    text: cython.char[64]
    given: cython.pointer(sockaddr) = cython.cast(cython.pointer(sockaddr), address.raw)
    v4: cython.pointer(sockaddr_in)
    v6: cython.pointer(sockaddr_in6)
    if address.size == 0:
        return None
    if given.sa_family == AF_INET:
        v4 = cython.cast(cython.pointer(sockaddr_in), given)
        inet_ntop(AF_INET, cython.address(v4.sin_addr), text, 64)
        return (cython.cast(bytes, text).decode("ascii"), ntohs(v4.sin_port))
    v6 = cython.cast(cython.pointer(sockaddr_in6), given)
    inet_ntop(AF_INET6, cython.address(v6.sin6_addr), text, 64)
    return (
        cython.cast(bytes, text).decode("ascii"),
        ntohs(v6.sin6_port),
        ntohl(v6.sin6_flowinfo),
        v6.sin6_scope_id,
    )
