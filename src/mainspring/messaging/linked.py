"""`LinkedTransport`: how a transport over a network begins and ends, whatever its broker.

It connects once it is started, and again after each loss: that is its `Link`'s. When it is closed,
its subscriptions end first, then what was sent last gets a moment, and then every outcome that is
still owed is told.
"""

import abc
import asyncio
from typing import Any

from mainspring.messaging.errors import TransportClosed
from mainspring.messaging.link import Link, Linked
from mainspring.messaging.transport import ConnectionEvent, Subscription, Transport
from mainspring.messaging.url import TransportURL

__all__ = ["LinkedTransport"]


class LinkedTransport[C: Linked, S: Subscription](Transport):
    """A transport with a link to a broker.

    Parameters:
        url: where to.
    """

    def __init__(self, url: TransportURL) -> None:
        super().__init__(url)
        self._closed = False
        self._link: Link[C, Any] | None = None
        self._subscriptions: set[S] = set()

    @abc.abstractmethod
    def _begin(self, loop: asyncio.AbstractEventLoop) -> Link[C, Any]:
        """Makes what a loop is needed for, and the link."""

    @abc.abstractmethod
    async def _sent_last(self) -> None:
        """Waits a moment for what was sent last to arrive; doesn't raise."""

    @abc.abstractmethod
    async def _end(self, link: Link[C, Any], error: TransportClosed) -> None:
        """Tells each outcome that is owed, and ends the link."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belongs to a loop from now on, and begins to connect."""
        if self._belongs_to(loop, self._closed):
            self._link = self._begin(loop)

    async def connected(self) -> None:
        """Waits until there is a connection."""
        await self._in_use(self._link).connected()

    def _in_use[T](self, part: T | None) -> T:
        """Returns what there is between the start and the close.

        Raises:
            TransportClosed: it is None before the one, or it is after the other.
        """
        if self._closed or part is None:
            raise TransportClosed("the transport isn't started, or was closed")
        return part

    async def close(self) -> None:
        """Sends what can be sent within a moment, and leaves."""
        if self._closed:
            return
        for subscription in tuple(self._subscriptions):
            await subscription.close()
        link = self._link
        if link is not None and link.connection is not None:
            await self._sent_last()
        self._closed = True
        if link is None:
            return
        error = TransportClosed("the transport was closed")
        await self._end(link, error)
        if self.replies is not None:
            self.replies.on_replies_lost(error)
        self._notify(ConnectionEvent.CLOSED)
