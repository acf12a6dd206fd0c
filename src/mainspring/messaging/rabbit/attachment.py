"""`Attachment`: what lives on a channel, and is made anew for as long as there is a connection.

The publisher, the consumer of replies and each subscription are attachments. When the connection is
up, a task attaches them, waits until the channel is gone, and attaches them again: at once
if only the channel was closed, with pauses if that fails, and with the next connection if this
one broke.
"""

import abc
import asyncio
import logging

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.waiting import Waiting

__all__ = ["Attachment", "logger"]

logger = logging.getLogger("mainspring.messaging.rabbit")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 10.0


class Attachment(abc.ABC):
    """Something on a channel.

    Parameters:
        loop: the loop.
        what: what it is, for the log.

    Attributes:
        channel: its channel; None while it isn't attached.
        failure: why the last attempt to attach failed; None if it didn't.
        wanted: False has it not attached again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, what: str) -> None:
        self.loop = loop
        self.what = what
        self.channel: Channel | None = None
        self.failure: MessagingError | None = None
        self.wanted = True
        self._task: asyncio.Task[None] | None = None
        self._broken: asyncio.Future[BaseException] | None = None
        self._waiting = Waiting(loop)

    @abc.abstractmethod
    async def attach(self, connection: Connection) -> Channel:
        """Opens a channel and does on it what has to be done."""

    @abc.abstractmethod
    def detached(self, error: BaseException) -> None:
        """Is told that what was on the channel is gone with it."""

    def up(self, connection: Connection) -> None:
        """Attaches it to a new connection, if it is still wanted."""
        if not self.wanted:
            return
        if self._task is not None:
            self._task.cancel()
        self._task = self.loop.create_task(self._keep(connection), name=f"keeps {self.what}")

    async def attached(self) -> None:
        """Waits until it is attached.

        Raises:
            MessagingError: an attempt has failed for another reason than a broken connection.
        """
        if self.channel is not None:
            return
        await self._waiting.wait()

    def break_off(self, error: BaseException) -> None:
        """Has it attached anew, because what is on the channel is of no use any more."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def leave(self) -> None:
        """Ends it: it isn't attached any more. Its channel is left to the caller."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._waiting.tell(ConnectionLost(f"{self.what} was closed"))

    async def _keep(self, connection: Connection) -> None:
        pause = 0.0
        while connection.is_open() and self.wanted:
            try:
                channel = await self.attach(connection)
            except MessagingError as exc:
                if not connection.is_open():
                    return
                pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
                self._failed(exc, pause)
                await asyncio.sleep(pause)
                continue
            self._broken = self.loop.create_future()
            channel.on_closed = self.break_off
            # It may have been closed between its last answer and now.
            already = channel.error
            if already is None:
                self._succeeded(channel)
            error = already or await self._broken
            self.channel = self._broken = None
            self.detached(error)
            if connection.is_open():
                logger.warning("%s is set up anew: %s", self.what, error)
                await channel.close()

    def _failed(self, exc: MessagingError, pause: float) -> None:
        self.failure = exc
        self._waiting.tell(exc)
        logger.warning("%s can't be set up; again in %.2f s: %s", self.what, pause, exc)

    def _succeeded(self, channel: Channel) -> None:
        self.failure = None
        self.channel = channel
        self._waiting.tell()
        self.ready()

    def ready(self) -> None:  # noqa: B027 - most have nothing to do
        """Is called when it has been attached."""
