"""`sock_*`: calls on a non-blocking socket that a coroutine waits for.

Each tries the system call first and waits only when it would block; an fd watcher of the call's own
then stands beside whatever else watches the socket.
"""

import asyncio
import errno
import socket
from typing import Any

from mainspring.loop.checks import check_non_blocking
from mainspring.loop.part import Part

__all__ = ["Sockets"]

_WOULD_BLOCK = (BlockingIOError, InterruptedError)


class Sockets(Part):
    """Socket calls of a loop. A blocking socket is refused with ValueError."""

    async def sock_recv(self, sock: socket.socket, nbytes: int) -> bytes:
        """Receives up to `nbytes` bytes; b"" when the peer has closed."""
        data: bytes = await self._attempt(sock, False, "recv", nbytes)
        return data

    async def sock_recv_into(self, sock: socket.socket, buf: Any) -> int:
        """Receives into a writable buffer; returns the number of bytes."""
        count: int = await self._attempt(sock, False, "recv_into", buf)
        return count

    async def sock_recvfrom(self, sock: socket.socket, bufsize: int) -> tuple[bytes, Any]:
        """Receives a datagram of up to `bufsize` bytes; returns it and its sender's address."""
        datagram: tuple[bytes, Any] = await self._attempt(sock, False, "recvfrom", bufsize)
        return datagram

    async def sock_recvfrom_into(
        self, sock: socket.socket, buf: Any, nbytes: int = 0
    ) -> tuple[int, Any]:
        """Receives a datagram into a writable buffer; returns its size and its sender's address."""
        if not nbytes:
            nbytes = len(buf)
        received: tuple[int, Any] = await self._attempt(sock, False, "recvfrom_into", buf, nbytes)
        return received

    async def sock_sendto(self, sock: socket.socket, data: Any, address: Any) -> int:
        """Sends a datagram; returns the number of bytes sent."""
        count: int = await self._attempt(sock, True, "sendto", data, address)
        return count

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        """Sends all of `data`.

        On an error there is no telling how much the peer has received.
        """
        check_non_blocking(sock)
        try:
            sent = sock.send(data)
        except _WOULD_BLOCK:
            sent = 0
        view = memoryview(data).cast("B")
        while sent < len(view):
            sent += await self._wait_and_call(sock, True, "send", view[sent:])

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Accepts a connection; returns its non-blocking socket and the peer's address."""
        connection, address = await self._attempt(sock, False, "accept")
        connection.setblocking(False)
        return connection, address

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connects a socket; looks the host up first if `address` names one.

        Raises:
            OSError: the connection failed; the message names the address.
        """
        check_non_blocking(sock)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            infos = await self.getaddrinfo(
                *address[:2], family=sock.family, type=sock.type, proto=sock.proto
            )
            resolved = infos[0][4]
            # A flow and a scope that the caller gave aren't the look-up's to change.
            address = (*resolved[:2], *address[2:]) if len(address) > 2 else resolved
        try:
            sock.connect(address)
        except _WOULD_BLOCK as exc:
            if exc.errno == errno.EAGAIN:
                # A full backlog of a UNIX server: nothing is under way, and nothing would tell us.
                raise BlockingIOError(
                    exc.errno, "the server's backlog is full, try again later"
                ) from None
            error = await self._wait_and_call(
                sock, True, "getsockopt", socket.SOL_SOCKET, socket.SO_ERROR
            )
            if error != 0:
                raise OSError(error, f"Connect call failed {address}") from None

    async def _attempt(self, sock: socket.socket, is_write: bool, name: str, *args: Any) -> Any:
        check_non_blocking(sock)
        try:
            return getattr(sock, name)(*args)
        except _WOULD_BLOCK:
            return await self._wait_and_call(sock, is_write, name, *args)

    async def _wait_and_call(
        self, sock: socket.socket, is_write: bool, name: str, *args: Any
    ) -> Any:
        future = self.create_future()
        watcher = self._watch(sock.fileno(), is_write, _complete, future, sock, name, args)
        try:
            return await future
        finally:
            watcher.cancel()


def _complete(
    future: asyncio.Future[Any], sock: socket.socket, name: str, args: tuple[Any, ...]
) -> None:
    if future.done():
        return
    try:
        result = getattr(sock, name)(*args)
    except _WOULD_BLOCK:
        return
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as exc:
        future.set_exception(exc)
    else:
        future.set_result(result)
