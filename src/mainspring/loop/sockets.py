"""`sock_*`: calls on a non-blocking socket that a coroutine waits for.

Each tries the system call first and waits only when it would block; an fd watcher of the call's own
then stands beside whatever else watches the socket. What receives keeps its watcher registered for
the next call, which waits without trying: the last poll has told that there is nothing. So an echo
takes four system calls (poll, receive, poll, send) and none to register.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from mainspring.core.watching import KeptWatcher
from mainspring.loop.checks import check_non_blocking
from mainspring.loop.part import Part
from mainspring.net.dns import check_address

__all__ = ["Sockets"]

_WOULD_BLOCK = (BlockingIOError, InterruptedError)


class Sockets(Part):
    """Socket calls of a loop. A blocking socket is refused with ValueError."""

    async def sock_recv(self, sock: socket.socket, nbytes: int) -> bytes:
        """Receives up to `nbytes` bytes; b"" when the peer has closed."""
        data: bytes = await self._receive(sock, "recv", nbytes)
        return data

    async def sock_recv_into(self, sock: socket.socket, buf: Any) -> int:
        """Receives into a writable buffer; returns the number of bytes."""
        count: int = await self._receive(sock, "recv_into", buf)
        return count

    async def sock_recvfrom(self, sock: socket.socket, bufsize: int) -> tuple[bytes, Any]:
        """Receives a datagram of up to `bufsize` bytes; returns it and its sender's address."""
        datagram: tuple[bytes, Any] = await self._receive(sock, "recvfrom", bufsize)
        return datagram

    async def sock_recvfrom_into(
        self, sock: socket.socket, buf: Any, nbytes: int = 0
    ) -> tuple[int, Any]:
        """Receives a datagram into a writable buffer; returns its size and its sender's address."""
        if not nbytes:
            nbytes = len(buf)
        received: tuple[int, Any] = await self._receive(sock, "recvfrom_into", buf, nbytes)
        return received

    async def sock_sendto(self, sock: socket.socket, data: Any, address: Any) -> int:
        """Sends a datagram; returns the number of bytes sent."""
        check_non_blocking(sock)
        try:
            return sock.sendto(data, address)
        except _WOULD_BLOCK:
            count: int = await self._wait(sock, lambda: sock.sendto(data, address))
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

        def send_more() -> None:
            nonlocal sent
            sent += sock.send(view[sent:])
            if sent < len(view):
                raise BlockingIOError

        if sent < len(view):
            await self._wait(sock, send_more)

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Accepts a connection; returns its non-blocking socket and the peer's address."""
        connection, address = await self._receive(sock, "accept")
        connection.setblocking(False)
        return connection, address

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connects a socket; looks the host up first if `address` names one.

        Raises:
            OSError: the connection failed; the message names the address.
            OverflowError: the port is not between 0 and 65535.
        """
        check_non_blocking(sock)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            host, port = address[:2]
            infos = await self.getaddrinfo(
                *check_address(host, port), family=sock.family, type=sock.type, proto=sock.proto
            )
            resolved = infos[0][4]
            # A flow and a scope that the caller gave aren't the look-up's to change.
            address = (*resolved[:2], *address[2:]) if len(address) > 2 else resolved
        try:
            sock.connect(address)
        except _WOULD_BLOCK as exc:
            if sock.family == socket.AF_UNIX:
                # A full backlog of a UNIX server: nothing is under way, and nothing would tell us.
                raise BlockingIOError(
                    exc.errno, "the server's backlog is full, try again later"
                ) from None
            error = await self._wait(
                sock, lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            )
            if error != 0:
                raise OSError(error, f"Connect call failed {address}") from None

    async def _receive(self, sock: socket.socket, name: str, *args: Any) -> Any:
        check_non_blocking(sock)
        kept = self._find_kept(sock)
        if kept is None:
            try:
                return getattr(sock, name)(*args)
            except _WOULD_BLOCK:
                pass
        future = self.create_future()
        watcher = self._watch_and_keep(kept, sock, _finish_receiving, future, sock, name, args)
        try:
            return await future
        finally:
            watcher.release()

    async def _wait(self, sock: socket.socket, attempt: Callable[[], Any]) -> Any:
        """Calls `attempt` whenever the socket is writable, until it doesn't block."""
        future = self.create_future()
        watcher = self._watch(sock.fileno(), True, _complete, future, attempt)
        try:
            return await future
        finally:
            watcher.cancel()


def _complete(future: asyncio.Future[Any], attempt: Callable[..., Any], *args: Any) -> None:
    if future.done():
        return
    try:
        result = attempt(*args)
    except _WOULD_BLOCK:
        return
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as exc:
        future.set_exception(exc)
    else:
        future.set_result(result)


def _finish_receiving(
    watcher: KeptWatcher,
    future: asyncio.Future[Any],
    sock: socket.socket,
    name: str,
    args: tuple[Any, ...],
) -> None:
    _complete(future, getattr(sock, name), *args)
    if future.done():
        # At once: what comes before the next call must find nobody waiting.
        watcher.release()
