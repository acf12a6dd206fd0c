"""`create_unix_connection` and `create_unix_server`: stream sockets that are named by a path.

Only the naming is here. The connections are those of TCP: the same transport, listener and server.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from mainspring.core.priority import Priority
from mainspring.loop.checks import check_ssl, check_unix_socket, resolve_priority
from mainspring.loop.part import Part
from mainspring.net.server import Server
from mainspring.net.socket_file import SocketFile, bind_to_path, name_path_in

__all__ = ["Unix"]

# asyncio leaves the file behind before 3.13.
_CLEANS_UP = sys.version_info >= (3, 13)


class Unix(Part):
    """The UNIX half of a loop's connections and servers."""

    async def create_unix_connection[P: asyncio.BaseProtocol](
        self,
        protocol_factory: Callable[[], P],
        path: str | bytes | os.PathLike[str] | None = None,
        *,
        ssl: Any = None,
        sock: socket.socket | None = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        priority: Priority | int | None = None,
    ) -> tuple[asyncio.Transport, P]:
        r"""Connects a UNIX stream socket; asyncio's `create_unix_connection`.

        Parameters:
            protocol_factory: makes the protocol.
            path: the server's path; one that begins with "\0" is an abstract name.
            sock: a connected UNIX stream socket instead; it is the transport's from now.
            priority: the `Priority` of the connection; by default the one that the current context
                names.

        Returns:
            The transport and the protocol, once `connection_made` was called.

        Raises:
            OSError: no connection; the message names the path. BlockingIOError: the server's
                backlog is full.
            ValueError: arguments that exclude each other; a socket that isn't a UNIX stream socket.
        """
        if ssl and server_hostname is None:
            raise ValueError("you have to pass server_hostname when using ssl")
        options = check_ssl(
            ssl,
            ssl_handshake_timeout,
            ssl_shutdown_timeout,
            server_side=False,
            server_hostname=server_hostname,
        )
        level = resolve_priority(priority)
        if path is not None:
            if sock is not None:
                raise ValueError("path and sock can not be specified at the same time")
            sock = await self._connect_to_path(os.fspath(path))
            return await self._open(sock, protocol_factory, level, options)
        if sock is None:
            raise ValueError("no path and sock were specified")
        check_unix_socket(sock)
        return await self._open(sock, protocol_factory, level, options)

    async def create_unix_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        path: str | bytes | os.PathLike[str] | None = None,
        *,
        sock: socket.socket | None = None,
        backlog: int = 100,
        ssl: Any = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        start_serving: bool = True,
        cleanup_socket: bool = _CLEANS_UP,
        mode: int | None = None,
        priority: Priority | int | None = None,
    ) -> Server:
        r"""Starts a server on a UNIX socket; asyncio's `create_unix_server`.

        Parameters:
            protocol_factory: makes the protocol of each connection.
            path: where to bind; a socket file that lies there already is replaced. One that begins
                with "\0" is an abstract name.
            sock: a bound UNIX stream socket instead; it is the server's from now.
            backlog: how many connections wait at most until they are accepted.
            start_serving: False to begin with `start_serving()` or `serve_forever()`.
            cleanup_socket: True to remove the socket file when the server closes, if it is still
                the same; as in asyncio the default is False on CPython 3.12, then True.
            mode: permission bits for the socket file, set before anyone can connect; by default
                what the umask leaves.
            priority: the `Priority` of accepting and of each connection; by default the one that
                the current context names.

        Returns:
            The server.

        Raises:
            OSError: the path can't be bound; the message names it.
            ValueError: arguments that exclude each other; a socket that isn't a UNIX stream socket.
        """
        if isinstance(ssl, bool):
            raise TypeError(f"ssl argument must be an SSLContext or None, not {ssl!r}")
        options = check_ssl(ssl, ssl_handshake_timeout, ssl_shutdown_timeout, server_side=True)
        level = resolve_priority(priority)
        if path is not None:
            if sock is not None:
                raise ValueError("path and sock can not be specified at the same time")
            sock = _bind(os.fspath(path), mode)
        else:
            if sock is None:
                raise ValueError("path was not specified, and no sock specified")
            check_unix_socket(sock)
            if mode is not None:
                raise ValueError(f"mode ({mode!r}) is only meaningful with path")
        sock.setblocking(False)
        cleanup = SocketFile(sock).remove if cleanup_socket else None
        server = Server(self, [sock], protocol_factory, backlog, level, cleanup, options)
        if start_serving:
            try:
                await server.start_serving()
            except BaseException:
                server.close()
                raise
        return server

    async def _connect_to_path(self, path: str | bytes) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await self.sock_connect(sock, path)
        except OSError as exc:
            sock.close()
            raise name_path_in(exc, "connect to", path) from None
        except BaseException:
            sock.close()
            raise
        return sock


def _bind(path: str | bytes, mode: int | None) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bind_to_path(sock, path, mode)
    except BaseException:
        sock.close()
        raise
    return sock
