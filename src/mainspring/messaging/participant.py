"""What clients, servers, notifiers and listeners share: a transport, and a block around it.

A transport that is given by its URL is the participant's own, and is closed with it.
"""

import abc
from types import TracebackType
from typing import Self

from mainspring.messaging.calls import CallTable
from mainspring.messaging.registry import get_transport
from mainspring.messaging.reply import Reply, reply_of
from mainspring.messaging.transport import Transport

__all__ = ["Participant", "Receiver", "Sender"]


class Participant(abc.ABC):
    """One end of a transport.

    Parameters:
        transport: a transport, or the URL of one.
    """

    def __init__(self, transport: Transport | str) -> None:
        self._owns_transport = isinstance(transport, str)
        self.transport = get_transport(transport) if isinstance(transport, str) else transport
        self._calls = CallTable.of(self.transport)

    async def _close_own(self) -> None:
        if self._owns_transport:
            await self.transport.close()

    @abc.abstractmethod
    async def _enter(self) -> None: ...

    @abc.abstractmethod
    async def _leave(self) -> None: ...

    async def __aenter__(self) -> Self:
        await self._enter()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave()


class Sender(Participant):
    """A participant that has nothing to begin and nothing to end."""

    def close(self) -> Reply[None]:
        """Closes the transport, if it is this one's own.

        Returns:
            What is done when it has left.
        """
        return reply_of(self._calls.attach(), self._close_own())

    async def _enter(self) -> None:
        self._calls.attach()

    async def _leave(self) -> None:
        await self._close_own()


class Receiver(Participant):
    """A participant that something is delivered to, from `start()` to `stop()`."""

    @abc.abstractmethod
    def start(self) -> Reply[None]:
        """Begins; what it returns is done when it has begun."""

    @abc.abstractmethod
    def stop(self) -> Reply[None]:
        """Ends; what it returns is done when it has ended."""

    async def _enter(self) -> None:
        await self.start()

    async def _leave(self) -> None:
        await self.stop()
