"""`create_server`: binds the addresses and hands the sockets to a `Server`."""

import asyncio
import collections
import errno
import itertools
import os
import socket
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mainspring.core.priority import Priority
from mainspring.loop.checks import (
    check_socket,
    check_ssl,
    resolve_priority,
)
from mainspring.loop.part import Part
from mainspring.net.dns import check_address
from mainspring.net.server import Server
from mainspring.net.stream import open_stream

if TYPE_CHECKING:
    from mainspring.net.tls import SSLOptions

__all__ = ["Servers", "set_reuse_port"]


class Servers(Part):
    """The serving half of a loop's connections."""

    # Typeshed has the one class that asyncio's own loops return where the name says "a server".
    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Iterable[str | None] | None = None,
        port: int | str | None = None,
        *,
        family: int = socket.AF_UNSPEC,
        flags: int = socket.AI_PASSIVE,
        sock: socket.socket | None = None,
        backlog: int = 100,
        ssl: Any = None,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
        keep_alive: bool | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        start_serving: bool = True,
        priority: Priority | int | None = None,
    ) -> Server:
        """Starts a TCP server; asyncio's `create_server`.

        Parameters:
            protocol_factory: makes the protocol of each connection.
            host: a host, several, or None for all interfaces.
            port: a port; 0 or None for a free one (another for each address).
            sock: a bound stream socket instead of `host` and `port`; it is the server's from now.
            backlog: how many connections the system holds until they are accepted.
            start_serving: False to accept only from `start_serving()` or `serve_forever()` on.
            priority: the `Priority` of accepting and of each connection; by default the one that
                the current context names.

        Raises:
            OSError: an address can't be bound; the message names it.
            OverflowError: the port is not between 0 and 65535.
            ValueError: arguments that exclude each other; a socket that isn't a stream socket.
        """
        if isinstance(ssl, bool):
            raise TypeError(f"ssl argument must be an SSLContext or None, not {ssl!r}")
        options = check_ssl(ssl, ssl_handshake_timeout, ssl_shutdown_timeout, server_side=True)
        level = resolve_priority(priority)
        if host is not None or port is not None:
            if sock is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            if reuse_address is None:
                reuse_address = os.name == "posix" and sys.platform != "cygwin"
            infos = await self._addresses_to_bind(host, port, family, flags)
            sockets = _bind_all(infos, reuse_address, reuse_port, keep_alive)
        else:
            if sock is None:
                raise ValueError("Neither host/port nor sock were specified")
            check_socket(sock)
            sockets = [sock]
        for bound in sockets:
            bound.setblocking(False)
        server = Server(self, sockets, protocol_factory, backlog, level, None, options)
        if start_serving:
            try:
                await server.start_serving()
            except BaseException:
                server.close()
                raise
        return server

    async def connect_accepted_socket[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        sock: socket.socket,
        *,
        ssl: Any = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.Transport, P]:
        """Makes a transport for a connection that was accepted elsewhere.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            ValueError: `sock` is not a stream socket.
        """
        options = check_ssl(ssl, ssl_handshake_timeout, ssl_shutdown_timeout, server_side=True)
        check_socket(sock)
        return await self._open(sock, protocol_factory, resolve_priority(priority), options)

    async def _open[P: asyncio.BaseProtocol](
        self,
        sock: socket.socket,
        protocol_factory: Callable[[], P],
        level: int,
        options: "SSLOptions | None" = None,
    ) -> tuple[asyncio.Transport, P]:
        transport: asyncio.Transport
        try:
            sock.setblocking(False)
            protocol = protocol_factory()
            waiter = self.create_future()
            if options is None:
                transport = open_stream(self, sock, protocol, waiter, level)
            else:
                transport = encrypted = options.wrap(self, protocol, waiter)
                open_stream(self, sock, encrypted, None, level)
        except BaseException:
            # It was handed over, and there is no transport to close it.
            sock.close()
            raise
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        finally:
            # It holds the exception, which holds this frame.
            del waiter
        return transport, protocol

    async def _addresses_to_bind(
        self, host: Any, port: int | str | None, family: int, flags: int
    ) -> list[tuple[Any, ...]]:
        hosts: list[str | None]
        if host is None or host == "":
            hosts = [None]
        elif isinstance(host, str) or not isinstance(host, collections.abc.Iterable):
            hosts = [host]
        else:
            hosts = list(host)
        for one in hosts:
            _, port = check_address(one, port)
        found = await asyncio.gather(
            *[
                self.getaddrinfo(
                    h or None, port, family=family, type=socket.SOCK_STREAM, flags=flags
                )
                for h in hosts
            ]
        )
        for one, infos in zip(hosts, found, strict=True):
            if not infos:
                raise OSError(f"getaddrinfo({one!r}) returned empty list")
        # Each once, in the order given.
        return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def _bind_all(
    infos: list[tuple[Any, ...]],
    reuse_address: bool | None,
    reuse_port: bool | None,
    keep_alive: bool | None,
) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for family, kind, proto, _, address in infos:
            try:
                sock = socket.socket(family, kind, proto)
            except OSError:
                # The system has IPv6 addresses to offer, perhaps, but no IPv6.
                continue
            sockets.append(sock)
            if reuse_address:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            if reuse_port:
                set_reuse_port(sock)
            if keep_alive:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, True)
            if family == socket.AF_INET6 and hasattr(socket, "IPPROTO_IPV6"):
                # IPv4 has a socket of its own.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
            try:
                sock.bind(address)
            except OSError as exc:
                message = (
                    f"error while attempting to bind on address {address!r}: {str(exc).lower()}"
                )
                if exc.errno == errno.EADDRNOTAVAIL and len(infos) > 1:
                    # An address of a family that isn't set up, such as ::1 without IPv6.
                    sockets.pop().close()
                    continue
                raise OSError(exc.errno, message) from None
        if not sockets:
            addresses = [info[4] for info in infos]
            raise OSError(
                errno.EADDRNOTAVAIL, f"could not bind on any address out of {addresses!r}"
            )
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def set_reuse_port(sock: socket.socket) -> None:
    """Lets other sockets that ask for it bind the same port.

    Raises:
        ValueError: the system can't.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("reuse_port not supported by socket module")
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        raise ValueError(
            "reuse_port not supported by socket module, SO_REUSEPORT defined but not implemented."
        ) from None
