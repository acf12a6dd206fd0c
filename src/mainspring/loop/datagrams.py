"""`create_datagram_endpoint`: looks the addresses up, binds and connects, opens a transport."""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.checks import resolve_priority
from mainspring.loop.part import Part
from mainspring.loop.servers import set_reuse_port
from mainspring.net.datagram import open_datagram
from mainspring.net.dns import check_address
from mainspring.net.socket_file import bind_to_path, name_path_in

__all__ = ["Datagrams"]

# Family and protocol, then the local and the remote address.
type _Candidate = tuple[int, int, Any, Any]


# What asyncio says was expected; the word was corrected within 3.12.
_EXPECTED = "A datagram socket" if sys.version_info >= (3, 12, 2) else "A UDP Socket"


class Datagrams(Part):
    """The datagram endpoints of a loop."""

    async def create_datagram_endpoint[P: asyncio.DatagramProtocol](  # type: ignore[override]
        self,
        protocol_factory: Callable[[], P],
        local_addr: tuple[str, int] | str | None = None,
        remote_addr: tuple[str, int] | str | None = None,
        *,
        family: int = 0,
        proto: int = 0,
        flags: int = 0,
        reuse_port: bool | None = None,
        allow_broadcast: bool | None = None,
        sock: socket.socket | None = None,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.DatagramTransport, P]:
        """Opens a datagram socket; asyncio's `create_datagram_endpoint`.

        Parameters:
            protocol_factory: makes the protocol.
            local_addr: the (host, port) to bind to, or a path with `family=socket.AF_UNIX`.
            remote_addr: the only peer, as `local_addr`.
            reuse_port: True to share the port with other sockets that ask for it.
            allow_broadcast: True to send to broadcast addresses; `remote_addr` is then not
                connected to.
            sock: a datagram socket instead of all that; it is the transport's from now.
            priority: the `Priority` of the endpoint; by default the one that the current context
                names.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            OSError: no address could be bound or connected to.
            OverflowError: a port is not between 0 and 65535.
            TypeError: an address that isn't a (host, port) tuple, or a path.
            ValueError: arguments that exclude each other; a stream socket.
        """
        level = resolve_priority(priority)
        remote = None
        if sock is not None:
            options = {
                "local_addr": local_addr,
                "remote_addr": remote_addr,
                "family": family,
                "proto": proto,
                "flags": flags,
                "reuse_port": reuse_port,
                "allow_broadcast": allow_broadcast,
            }
            _check_datagram_socket(sock, options)
            return await self._open_endpoint(sock, protocol_factory, None, level)
        errors: list[OSError] = []
        try:
            for candidate in await self._candidates(local_addr, remote_addr, family, proto, flags):
                try:
                    sock = await self._bind_and_connect(candidate, reuse_port, allow_broadcast)
                except OSError as exc:
                    errors.append(exc)
                    continue
                remote = candidate[3]
                break
            if sock is None:
                raise errors[0]
        finally:
            # An exception holds the frames it came through; they must not hold the exception.
            errors.clear()
        try:
            return await self._open_endpoint(sock, protocol_factory, remote, level)
        except BaseException:
            sock.close()
            raise

    async def _open_endpoint[P: asyncio.DatagramProtocol](
        self, sock: socket.socket, protocol_factory: Callable[[], P], remote: Any, level: int
    ) -> tuple[asyncio.DatagramTransport, P]:
        sock.setblocking(False)
        protocol = protocol_factory()
        waiter = self.create_future()
        transport = open_datagram(self, sock, protocol, remote, waiter, level)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def _candidates(
        self, local_addr: Any, remote_addr: Any, family: int, proto: int, flags: int
    ) -> list[_Candidate]:
        if not (local_addr or remote_addr):
            if family == 0:
                raise ValueError("unexpected address family")
            return [(family, proto, None, None)]
        if family == socket.AF_UNIX:
            for address in (local_addr, remote_addr):
                if address is not None and not isinstance(address, str):
                    raise TypeError(f"string is expected, not {address!r}")
            return [(family, proto, local_addr, remote_addr)]
        found: dict[tuple[int, int], list[Any]] = {}
        for index, address in enumerate((local_addr, remote_addr)):
            if address is None:
                continue
            if not (isinstance(address, tuple) and len(address) == 2):
                raise TypeError(f"2-tuple is expected, not {address!r}")
            infos = await self.getaddrinfo(
                *check_address(*address),
                family=family,
                type=socket.SOCK_DGRAM,
                proto=proto,
                flags=flags,
            )
            if not infos:
                raise OSError(f"getaddrinfo({address[0]!r}) returned empty list")
            for info in infos:
                found.setdefault((info[0], info[2]), [None, None])[index] = info[4]
        candidates = [
            (*key, local, remote)
            for key, (local, remote) in found.items()
            if not (local_addr and local is None) and not (remote_addr and remote is None)
        ]
        if not candidates:
            raise ValueError("can not get address information")
        return candidates

    async def _bind_and_connect(
        self, candidate: _Candidate, reuse_port: bool | None, allow_broadcast: bool | None
    ) -> socket.socket:
        family, proto, local, remote = candidate
        sock = socket.socket(family=family, type=socket.SOCK_DGRAM, proto=proto)
        try:
            sock.setblocking(False)
            if reuse_port:
                set_reuse_port(sock)
            if allow_broadcast:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if local:
                if family == socket.AF_UNIX:
                    bind_to_path(sock, local)
                else:
                    sock.bind(local)
            if remote and not allow_broadcast:
                try:
                    await self.sock_connect(sock, remote)
                except OSError as exc:
                    if family == socket.AF_UNIX:
                        raise name_path_in(exc, "connect to", remote) from None
                    raise
        except BaseException:
            sock.close()
            raise
        return sock


def _check_datagram_socket(sock: socket.socket, options: dict[str, Any]) -> None:
    if sock.type == socket.SOCK_STREAM:
        raise ValueError(f"{_EXPECTED} was expected, got {sock!r}")
    given = ", ".join(f"{name}={value}" for name, value in options.items() if value)
    if given:
        raise ValueError(
            f"socket modifier keyword arguments can not be used when sock is specified. ({given})"
        )
