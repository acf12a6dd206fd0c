"""The two protocols of the ways that use transports: one sends, one echoes.

Written against asyncio's interface alone, so that asyncio, uvloop and Mainspring run the
very same program and only the loop differs. Invariant: the sender writes only while its
transport hasn't paused it, so what is buffered above the kernel stays near the high-water
mark.
"""

import asyncio
from typing import cast

from mainspring.cli.demo.work import Work


class SendProtocol(asyncio.Protocol):
    """Writes all messages of `work`, as fast as the flow control allows.

    Args:
        work: where the messages come from.
        sent: a future that is done once the connection is closed, all being sent or the
            receiver having gone.
    """

    def __init__(self, work: Work, sent: asyncio.Future[None]) -> None:
        self._work = work
        self._sent = sent
        self._paused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        self._transport = cast(asyncio.Transport, transport)
        self._fill()

    def pause_writing(self) -> None:
        """Stop: the transport holds enough."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on: the transport has room."""
        self._paused = False
        self._fill()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the transfer; a receiver that leaves early is no error here."""
        if not self._sent.done():
            self._sent.set_result(None)

    def _fill(self) -> None:
        assert self._transport is not None
        while not self._paused and not self._transport.is_closing():
            message = self._work.next_message()
            if message:
                self._transport.write(message)
            else:
                self._transport.close()


class EchoProtocol(asyncio.Protocol):
    """Sends back what comes."""

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer at once."""
        self._transport.write(data)


async def start(work: Work) -> asyncio.Future[None]:
    """Put both connections of `work` on the running loop.

    Returns:
        the future that is done when the transfer is over.
    """
    loop = asyncio.get_running_loop()
    sent: asyncio.Future[None] = loop.create_future()
    await loop.create_connection(EchoProtocol, sock=work.echo)
    await loop.create_connection(lambda: SendProtocol(work, sent), sock=work.data)
    return sent
