"""`create_connection`: looks the host up, connects to the address that answers first."""

import asyncio
import functools
import itertools
import socket
from asyncio import staggered
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.checks import check_socket, check_ssl, resolve_priority
from mainspring.loop.part import Part
from mainspring.net.dns import check_address

__all__ = ["Connections"]

type _AddressInfo = tuple[int, int, int, str, Any]


class Connections(Part):
    """The connecting half of a loop's connections."""

    async def create_connection[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        host: str | None = None,
        port: int | str | None = None,
        *,
        ssl: Any = None,
        family: int = 0,
        proto: int = 0,
        flags: int = 0,
        sock: socket.socket | None = None,
        local_addr: tuple[str | None, int | str | None] | None = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        happy_eyeballs_delay: float | None = None,
        interleave: int | None = None,
        all_errors: bool = False,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.Transport, P]:
        """Connects a stream socket; asyncio's `create_connection`.

        Parameters:
            protocol_factory: makes the protocol.
            host: the host; port: its port.
            sock: a connected socket instead; it is the transport's from now.
            local_addr: the (host, port) to bind to.
            happy_eyeballs_delay: seconds to give one address before the next is tried beside it
                (RFC 8305); None to try one after the other.
            interleave: how many addresses of the first family go first before the families take
                turns; by default 1 with `happy_eyeballs_delay`, else 0 for the look-up's order.
            all_errors: True to raise all errors in an `ExceptionGroup`.
            priority: the `Priority` of the connection; by default the one that the current context
                names.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            OSError: no address could be connected to.
            OverflowError: the port is not between 0 and 65535.
            ValueError: arguments that exclude each other; a socket that isn't a stream socket.
        """
        if ssl and server_hostname is None:
            if not host:
                raise ValueError("You must set server_hostname when using ssl without a host")
            server_hostname = host
        options = check_ssl(
            ssl,
            ssl_handshake_timeout,
            ssl_shutdown_timeout,
            server_side=False,
            server_hostname=server_hostname,
        )
        level = resolve_priority(priority)
        if host is not None or port is not None:
            if sock is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            if happy_eyeballs_delay is not None and interleave is None:
                interleave = 1
            infos = await self._look_up((host, port), family, proto, flags)
            local_infos = None
            if local_addr is not None:
                local_infos = await self._look_up(local_addr, family, proto, flags)
            if interleave:
                infos = _interleave(infos, interleave)
            sock = await self._connect_first(infos, local_infos, happy_eyeballs_delay, all_errors)
            return await self._open(sock, protocol_factory, level, options)
        if sock is None:
            raise ValueError("host and port was not specified and no sock specified")
        check_socket(sock)
        return await self._open(sock, protocol_factory, level, options)

    async def _look_up(
        self, address: tuple[Any, Any], family: int, proto: int, flags: int
    ) -> Sequence[_AddressInfo]:
        host, port = check_address(*address[:2])
        infos = await self.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, proto=proto, flags=flags
        )
        if not infos:
            raise OSError(f"getaddrinfo({host!r}) returned empty list")
        return infos

    async def _connect_first(
        self,
        infos: Sequence[_AddressInfo],
        local_infos: Sequence[_AddressInfo] | None,
        delay: float | None,
        all_errors: bool,
    ) -> socket.socket:
        errors: list[OSError] = []
        raised: list[Exception | None] = []
        error: Exception | None = None
        sock: socket.socket | None = None
        try:
            if delay is None:
                for info in infos:
                    sock = await self._try_to_connect(errors, info, local_infos)
                    if sock is not None:
                        return sock
            else:
                attempts = [
                    functools.partial(self._connect_or_raise, errors, info, local_infos)
                    for info in infos
                ]
                sock, _, raised = await staggered.staggered_race(attempts, delay, loop=self)
                if sock is not None:
                    return sock
                for error in raised:
                    # What isn't an OSError is a mistake and not a matter of this address.
                    if error is not None and not isinstance(error, OSError):
                        raise error
            raise _connect_error(errors, all_errors)
        finally:
            # An exception holds the frames it came through; they must not hold the exception.
            errors.clear()
            raised.clear()
            del error

    async def _try_to_connect(
        self,
        errors: list[OSError],
        info: _AddressInfo,
        local_infos: Sequence[_AddressInfo] | None,
    ) -> socket.socket | None:
        try:
            return await self._connect_or_raise(errors, info, local_infos)
        except OSError:
            return None

    async def _connect_or_raise(
        self,
        errors: list[OSError],
        info: _AddressInfo,
        local_infos: Sequence[_AddressInfo] | None,
    ) -> socket.socket:
        family, kind, proto, _, address = info
        sock = None
        try:
            sock = socket.socket(family=family, type=kind, proto=proto)
            sock.setblocking(False)
            if local_infos is not None:
                _bind_local(sock, family, local_infos)
            await self.sock_connect(sock, address)
        except BaseException as exc:
            if sock is not None:
                sock.close()
            if isinstance(exc, OSError):
                errors.append(exc)
            raise
        return sock


def _bind_local(sock: socket.socket, family: int, infos: Sequence[_AddressInfo]) -> None:
    error: OSError | None = None
    for local_family, _, _, _, address in infos:
        if local_family != family:
            continue
        try:
            sock.bind(address)
        except OSError as exc:
            error = OSError(
                exc.errno,
                f"error while attempting to bind on address {address!r}: {str(exc).lower()}",
            )
        else:
            return
    try:
        raise error or OSError(f"no matching local address with family={family!r} found")
    finally:
        del error


def _connect_error(errors: list[OSError], all_errors: bool) -> Exception:
    if all_errors:
        return ExceptionGroup("create_connection failed", errors)
    if len(errors) == 1 or len({str(exc) for exc in errors}) == 1:
        return errors[0]
    return OSError(f"Multiple exceptions: {', '.join(str(exc) for exc in errors)}")


def _interleave(infos: Iterable[_AddressInfo], first_count: int) -> list[_AddressInfo]:
    """Lets the address families take turns, after `first_count` - 1 of the first family."""
    by_family: dict[int, list[_AddressInfo]] = {}
    for info in infos:
        by_family.setdefault(info[0], []).append(info)
    groups = list(by_family.values())
    ordered = groups[0][: first_count - 1] if first_count > 1 else []
    groups[0] = groups[0][len(ordered) :]
    ordered.extend(
        info for turn in itertools.zip_longest(*groups) for info in turn if info is not None
    )
    return ordered
