"""Socket addresses, kept as the system gives them and made into Python's objects when asked for.

A tuple of an address takes five times the memory, and most connections are never asked. A path of
a UNIX socket that is longer than an IPv6 address lies on the heap.
"""

from os import fsdecode

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc
from cython.cimports.libc.string import memcpy
from cython.cimports.mainspring.net.system import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    c_getpeername,
    c_getsockname,
    inet_ntop,
    ntohl,
    ntohs,
    sockaddr,
    sockaddr_in,
    sockaddr_in6,
    sockaddr_storage,
    socklen_t,
)


def keep_address(
    address: cython.pointer(Address), given: cython.pointer(sockaddr), size: socklen_t
):
    """Copies an address; one of a family that isn't known here is kept as unknown."""
    place: cython.p_void = address.raw
    drop_address(address)
    if size < FAMILY_SIZE or size > LARGEST_ADDRESS:
        return
    if given.sa_family not in (AF_INET, AF_INET6, AF_UNIX):
        return
    if size > ADDRESS_SIZE:
        place = PyMem_Malloc(size)
        if place == cython.NULL:
            return
        memcpy(address.raw, cython.address(place), cython.sizeof(cython.p_void))
    memcpy(place, given, size)
    address.size = size


def drop_address(address: cython.pointer(Address)):
    """Forgets an address."""
    if address.size > ADDRESS_SIZE:
        PyMem_Free(raw_address(address))
    address.size = 0


def local_address(fd: cython.int, address: cython.pointer(Address)):
    """Asks for a socket's own address."""
    given: sockaddr_storage
    raw: cython.pointer(sockaddr) = cython.cast(cython.pointer(sockaddr), cython.address(given))
    size: socklen_t = LARGEST_ADDRESS
    drop_address(address)
    if c_getsockname(fd, raw, cython.address(size)) == 0:
        keep_address(address, raw, size)


def peer_address(fd: cython.int, address: cython.pointer(Address)):
    """Asks for the address of a socket's peer."""
    given: sockaddr_storage
    raw: cython.pointer(sockaddr) = cython.cast(cython.pointer(sockaddr), cython.address(given))
    size: socklen_t = LARGEST_ADDRESS
    drop_address(address)
    if c_getpeername(fd, raw, cython.address(size)) == 0:
        keep_address(address, raw, size)


def address_tuple(address: cython.pointer(Address)):
    """Returns an address as the `socket` module does, None for an unknown one."""
    aligned: sockaddr_storage
    if address.size == 0:
        return None
    # Where it is kept it is packed, and so not aligned.
    memcpy(cython.address(aligned), raw_address(address), address.size)
    return sockaddr_to_python(
        cython.cast(cython.pointer(sockaddr), cython.address(aligned)), address.size
    )


def sockaddr_to_python(given: cython.pointer(sockaddr), size: socklen_t):
    """Returns what the system gave as the `socket` module does; None for an unknown family."""
    text: cython.char[64]
    v4: cython.pointer(sockaddr_in)
    v6: cython.pointer(sockaddr_in6)
    if size < FAMILY_SIZE:
        return None
    if given.sa_family == AF_INET:
        v4 = cython.cast(cython.pointer(sockaddr_in), given)
        inet_ntop(AF_INET, cython.address(v4.sin_addr), text, 64)
        return (cython.cast(bytes, text).decode("ascii"), ntohs(v4.sin_port))
    if given.sa_family == AF_INET6:
        v6 = cython.cast(cython.pointer(sockaddr_in6), given)
        inet_ntop(AF_INET6, cython.address(v6.sin6_addr), text, 64)
        return (
            cython.cast(bytes, text).decode("ascii"),
            ntohs(v6.sin6_port),
            ntohl(v6.sin6_flowinfo),
            v6.sin6_scope_id,
        )
    if given.sa_family == AF_UNIX:
        return path_of(
            PyBytes_FromStringAndSize(
                cython.cast(cython.p_char, given) + FAMILY_SIZE, size - FAMILY_SIZE
            )
        )
    return None


@cython.cfunc
def path_of(name: bytes):
    """Returns the name of a UNIX socket: a path as text, an abstract name as it is."""
    if name[:1] == b"\0":
        return name
    return fsdecode(name.partition(b"\0")[0])


@cython.cfunc
@cython.exceptval(check=False)
def raw_address(address: cython.pointer(Address)) -> cython.p_void:
    """Returns where the bytes of a known address are."""
    place: cython.p_void
    if address.size <= ADDRESS_SIZE:
        return address.raw
    memcpy(cython.address(place), address.raw, cython.sizeof(cython.p_void))
    return place
