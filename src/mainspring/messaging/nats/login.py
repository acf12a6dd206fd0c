"""`LoginTransport`: what nats-py logs in over: our stream, in the shape of its own transports.

nats-py knows how one logs in, with passwords, tokens, keys and TLS, and what a server says besides
messages; a message costs it more than the rest of a call costs here. So messages pass it by: its
client is given this transport in place of the one that it would make, and sees nothing but the
lines that carry none.
"""

import asyncio
import ssl
from collections import deque
from typing import Any
from urllib.parse import ParseResult

from nats.aio.client import Client
from nats.aio.transport import Transport
from nats.errors import ProtocolError

from mainspring.messaging.nats.stream import MessageStream

__all__ = ["LoginTransport", "client_over"]


class LoginTransport(Transport):
    """A connection that is a stream of messages to us, and lines to nats-py.

    Parameters:
        loop: the loop.

    Attributes:
        stream: where messages come and go.
        is_connected: whether there has been a connection.
        has_tls: whether what is sent now is encrypted.
        error: why the connection has gone, where that is known.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stream = MessageStream(loop, self._on_line, self._on_end)
        self.has_tls = False
        self._loop = loop
        self._lines: deque[bytes] = deque()
        self.is_connected = self._is_ended = False
        self.error: BaseException | None = None
        self._untold: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] = loop.create_future()

    def __bool__(self) -> bool:
        """Is true from the beginning: nats-py makes no other."""
        return True

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connects without TLS."""
        async with asyncio.timeout(connect_timeout):
            await self._loop.create_connection(
                lambda: self.stream, uri.hostname or "localhost", uri.port or 0
            )
        self.is_connected = True

    async def connect_tls(
        self,
        uri: str | ParseResult,
        ssl_context: ssl.SSLContext,
        buffer_size: int,
        connect_timeout: int,
    ) -> None:
        """Puts TLS on the connection."""
        host = uri if isinstance(uri, str) else uri.hostname
        below = self.stream.transport
        async with asyncio.timeout(connect_timeout):
            if below is not None:
                below = await self._loop.start_tls(
                    below, self.stream, ssl_context, server_hostname=host
                )
        if below is None:
            raise ConnectionResetError("the connection ended before there was TLS")
        self.stream.use(below)
        self.has_tls = True

    def write(self, payload: bytes) -> None:
        """Sends what is no message."""
        self.stream.write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        """Sends several."""
        self.stream.write(b"".join(payload))

    async def read(self, buffer_size: int) -> bytes:
        """Waits for lines that are no messages; returns nothing at the end."""
        await self._until_there_is_some()
        lines = b"".join(self._lines)
        self._lines.clear()
        return lines

    async def readline(self) -> bytes:
        """Waits for a line that is no message; returns nothing at the end."""
        await self._until_there_is_some()
        return self._lines.popleft() if self._lines else b""

    async def drain(self) -> None:
        """Waits for nothing: how much may wait to be sent is bounded elsewhere."""

    async def wait_closed(self) -> None:
        """Waits until the connection has ended."""
        if self.is_connected:
            await asyncio.shield(self._gone)

    def close(self) -> None:
        """Sends what it can, and ends."""
        self.stream.close()

    def at_eof(self) -> bool:
        """Tells whether nothing comes any more."""
        return self._is_ended and not self._lines and self._untold is None

    async def _until_there_is_some(self) -> None:
        while not self._lines:
            if self._is_ended:
                # Once: after that it is the end.
                error, self._untold = self._untold, None
                if isinstance(error, OSError):
                    raise error
                if error is not None:
                    # nats-py knows no others.
                    raise ProtocolError from error
                return
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _on_line(self, line: bytes) -> None:
        self._lines.append(line)
        self._wake()

    def _on_end(self, error: BaseException | None) -> None:
        self._is_ended = True
        self.error = self._untold = error
        if not self._gone.done():
            self._gone.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def client_over(transport: LoginTransport) -> Client:
    """Returns a client of nats-py's that logs in over a transport.

    Raises:
        RuntimeError: this release of nats-py doesn't take it.
    """
    client: Any = Client()
    if getattr(client, "_transport", transport) is not None:
        raise RuntimeError("this release of nats-py has no place for a transport of ours")
    client._transport = transport
    made: Client = client
    return made
