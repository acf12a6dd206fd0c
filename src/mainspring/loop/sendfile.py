"""`sendfile` and `sock_sendfile`: files sent by the system, and where it can't, read and written.

The system's way is for regular files on stream sockets that nothing stands before: a transport of
TLS has to see the bytes. Either way the file's position is behind what was sent, also after an
error: so `file.tell()` says how much that was.
"""

import asyncio
import io
import os
import socket
import stat
import sys
from asyncio.constants import _SendfileMode
from asyncio.exceptions import SendfileNotAvailableError
from typing import Any

from mainspring.loop.checks import check_non_blocking, check_socket
from mainspring.loop.part import Part
from mainspring.net.stream import StreamTransport

__all__ = ["Sendfile"]

# What is read at a time where the system doesn't send the file.
BLOCK_SIZE = 64 * 1024


class Sendfile(Part):
    """Sending files."""

    async def sendfile(
        self,
        transport: Any,
        file: Any,
        offset: int = 0,
        count: int | None = None,
        *,
        fallback: bool = True,
    ) -> int:
        """Sends a file over a transport, behind what was written to it; asyncio's `sendfile`.

        Until it is sent the protocol isn't read to, and nothing else can be written.

        Parameters:
            transport: a stream transport.
            file: a file object, opened in binary mode.
            offset: where in the file to begin, in bytes.
            count: how many bytes to send; None for all up to the end of the file.
            fallback: True to read and write the file where the system can't send it: a file that
                isn't regular, or a transport that encrypts.

        Returns:
            The number of bytes sent.

        Raises:
            asyncio.SendfileNotAvailableError: the system can't, and `fallback` is False.
            ConnectionError: the connection ended before all was sent.
            RuntimeError: the transport is closing, or can't send files.
            ValueError: the file isn't binary; a negative offset; a count below 1.
        """
        if transport.is_closing():
            raise RuntimeError(f"Transport is closing: {transport!r}")
        mode = getattr(transport, "_sendfile_compatible", _SendfileMode.UNSUPPORTED)
        if mode is _SendfileMode.UNSUPPORTED:
            raise RuntimeError(f"sendfile is not supported for transport {transport!r}")
        _check_arguments(file, offset, count)
        if mode is _SendfileMode.TRY_NATIVE:
            try:
                return await self._sendfile_native(transport, file, offset, count)
            except SendfileNotAvailableError:
                if not fallback:
                    raise
        elif not fallback:
            raise RuntimeError(
                f"fallback is disabled and native sendfile is not supported "
                f"for transport {transport!r}"
            )
        return await self._sendfile_fallback(transport, file, offset, count)

    async def sock_sendfile(
        self,
        sock: socket.socket,
        file: Any,
        offset: int = 0,
        count: int | None = None,
        *,
        fallback: bool | None = True,
    ) -> int:
        """Sends a file over a connected, non-blocking stream socket; asyncio's `sock_sendfile`.

        The parameters, the result and the errors are those of `sendfile`.

        Raises:
            TypeError: `sock` is a TLS socket.
            ValueError: `sock` blocks, or isn't a stream socket.
        """
        _check_not_tls(sock)
        check_non_blocking(sock)
        check_socket(sock)
        _check_arguments(file, offset, count)
        try:
            return await self._sock_sendfile_native(sock, file, offset, count)
        except SendfileNotAvailableError:
            if not fallback:
                raise
        return await self._sock_sendfile_fallback(sock, file, offset, count)

    async def _sendfile_native(self, transp: Any, file: Any, offset: int, count: int | None) -> int:
        if not isinstance(transp, StreamTransport):
            raise SendfileNotAvailableError(
                f"sendfile syscall is not supported for transport {transp!r}"
            )
        fd, size = _regular_file(file)
        if not (count or size):
            return 0
        future = self.create_future()
        was_reading = transp.is_reading()
        transp.pause_reading()
        sending = None
        try:
            sending = transp._send_file(fd, offset, count, size, future)
            await future
        except OSError as exc:
            if sending is None or sending.sent or transp.is_closing():
                raise
            raise SendfileNotAvailableError(f"os.sendfile call failed for {file!r}") from exc
        finally:
            if sending is not None:
                transp._stop_file(sending)
                _seek(file, offset + sending.sent)
            if was_reading:
                transp.resume_reading()
        sent: int = sending.sent
        return sent

    async def _sendfile_fallback(
        self, transp: Any, file: Any, offset: int, count: int | None
    ) -> int:
        stand_in = _StandIn(self, transp)
        sent = 0
        _seek(file, offset)
        try:
            while data := await self._read_block(file, sent, count):
                await stand_in.drain()
                transp.write(data)
                sent += len(data)
        finally:
            if sent:
                _seek(file, offset + sent)
            stand_in.leave()
        return sent

    async def _sock_sendfile_native(
        self, sock: socket.socket, file: Any, offset: int, count: int | None
    ) -> int:
        fd, size = _regular_file(file)
        if not (count or size):
            return 0
        sent = 0
        try:
            while count is None or sent < count:
                try:
                    left = (count or sys.maxsize) - sent
                    done = os.sendfile(sock.fileno(), fd, offset + sent, min(left, 2**30))
                except (BlockingIOError, InterruptedError):
                    await self._until_writable(sock)
                    continue
                except OSError as exc:
                    if sent:
                        raise
                    raise SendfileNotAvailableError(
                        f"os.sendfile call failed for {file!r}"
                    ) from exc
                if done == 0:
                    break
                sent += done
                if sent < (count or size - offset):
                    # Sent as fast as the peer takes it, and with all others in between.
                    await self._until_writable(sock)
        finally:
            _seek(file, offset + sent)
        return sent

    async def _sock_sendfile_fallback(
        self, sock: socket.socket, file: Any, offset: int, count: int | None
    ) -> int:
        sent = 0
        _seek(file, offset)
        try:
            while data := await self._read_block(file, sent, count):
                await self.sock_sendall(sock, data)
                sent += len(data)
        finally:
            if sent:
                _seek(file, offset + sent)
        return sent

    async def _read_block(self, file: Any, sent: int, count: int | None) -> bytes:
        size = BLOCK_SIZE if count is None else min(BLOCK_SIZE, count - sent)
        if size == 0:
            return b""
        data: bytes = await self.run_in_executor(None, file.read, size)
        return data

    async def _until_writable(self, sock: socket.socket) -> None:
        future = self.create_future()
        watcher = self._watch(sock.fileno(), True, _set_unless_done, future)
        try:
            await future
        finally:
            watcher.cancel()


class _StandIn(asyncio.Protocol):
    """Takes the protocol's place while a file is written, to be told when there is room.

    Parameters:
        loop: the loop.
        transport: a transport, whose protocol it replaces until `leave()`.
    """

    def __init__(self, loop: Any, transport: Any) -> None:
        self._loop = loop
        self._transport = transport
        self._protocol = transport.get_protocol()
        self._was_reading = transport.is_reading()
        self._was_paused = self._is_paused = _is_write_paused(transport)
        self._room: asyncio.Future[None] | None = None
        transport.pause_reading()
        transport.set_protocol(self)

    async def drain(self) -> None:
        """Waits until there is room.

        Raises:
            ConnectionError: the connection is closing, or was lost.
        """
        if self._transport.is_closing():
            raise ConnectionError("Connection closed by peer")
        if self._is_paused:
            self._room = self._loop.create_future()
            try:
                await self._room
            finally:
                self._room = None

    def leave(self) -> None:
        """Gives the place back, and tells the protocol what has changed."""
        self._transport.set_protocol(self._protocol)
        if self._was_reading:
            self._transport.resume_reading()
        if self._protocol is None or self._is_paused == self._was_paused:
            return
        if self._is_paused:
            self._protocol.pause_writing()
        else:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait, and tells the protocol."""
        if self._room is not None and not self._room.done():
            self._room.set_exception(exc or ConnectionError("Connection is closed by peer"))
        self._protocol.connection_lost(exc)
        self._protocol = None

    def pause_writing(self) -> None:
        """Notes that there is no room."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Notes that there is room again."""
        self._is_paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Not while reading is paused."""
        raise RuntimeError("reading is paused while a file is sent")

    def eof_received(self) -> None:
        """Not while reading is paused."""
        raise RuntimeError("reading is paused while a file is sent")


def _is_write_paused(transport: Any) -> bool:
    paused: bool | None = getattr(transport, "_protocol_paused", None)
    if paused is None:
        _, high = transport.get_write_buffer_limits()
        paused = transport.get_write_buffer_size() > high
    return paused


def _regular_file(file: Any) -> tuple[int, int]:
    """Returns a file's fd and size.

    Raises:
        asyncio.SendfileNotAvailableError: it has none.
    """
    try:
        fd = file.fileno()
        found = os.fstat(fd)
    except (AttributeError, io.UnsupportedOperation, OSError) as exc:
        raise SendfileNotAvailableError(f"not a regular file: {file!r}") from exc
    if not stat.S_ISREG(found.st_mode):
        raise SendfileNotAvailableError(f"not a regular file: {file!r}")
    return fd, found.st_size


def _seek(file: Any, position: int) -> None:
    if hasattr(file, "seek") and (not hasattr(file, "seekable") or file.seekable()):
        file.seek(position)


def _set_unless_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _check_not_tls(sock: socket.socket) -> None:
    ssl = sys.modules.get("ssl")
    if ssl is not None and isinstance(sock, ssl.SSLSocket):
        raise TypeError(f"Socket cannot be of type SSLSocket: {sock!r}")


def _check_arguments(file: Any, offset: int, count: int | None) -> None:
    if "b" not in getattr(file, "mode", "b"):
        raise ValueError(f"file should be opened in binary mode: {file!r}")
    if not isinstance(offset, int):
        raise TypeError(f"offset must be a non-negative integer (got {offset!r})")
    if offset < 0:
        raise ValueError(f"offset must be a non-negative integer (got {offset!r})")
    if count is None:
        return
    if not isinstance(count, int):
        raise TypeError(f"count must be a positive integer (got {count!r})")
    if count <= 0:
        raise ValueError(f"count must be a positive integer (got {count!r})")
