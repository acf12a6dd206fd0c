"""`Link`: a connection to one of several brokers, again and again.

The brokers are tried in turn, from a random one on, so that the clients of a cluster spread. After
a loss the next one is first. Pauses grow, and are random: when a broker comes back, not
everybody comes at the same moment.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.waiting import Waiting

__all__ = ["Link", "Linked", "Pauses"]


class Linked(Protocol):
    """A connection, as a link sees it.

    Attributes:
        error: why it has gone; None while it holds.
        on_lost: is called once with the error when it has gone.
    """

    error: BaseException | None
    on_lost: Callable[[BaseException], None]

    async def close(self) -> None:
        """Ends it, in order; `on_lost` isn't called any more."""


class Pauses(NamedTuple):
    """How long a link waits, in seconds; each is the most, and half of it the least.

    Attributes:
        first: before the second attempt.
        growth: by how much each further pause is longer.
        longest: what it doesn't grow beyond.
        after_loss: before the first attempt after a connection has broken; 0 is the least.
    """

    first: float
    growth: float
    longest: float
    after_loss: float


class Link[C: Linked, P]:
    """Keeps a connection up: of type `C`, to one of several places of type `P`.

    Parameters:
        loop: the loop.
        broker: what is connected to, for the log.
        places: where the brokers are.
        connect: opens a connection to a place, or raises `ConnectionLost` if it can't be reached,
            another `MessagingError` if it refuses.
        pauses: between attempts.
        on_up: is called with each new connection.
        on_down: is called with the error when it has gone.
        on_refused: is called when every broker that can be reached refuses us.
        logger: is told how it goes.

    Attributes:
        connection: the connection; None while there is none.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: str,
        places: Sequence[P],
        connect: Callable[[P], Awaitable[C]],
        pauses: Pauses,
        on_up: Callable[[C], None],
        on_down: Callable[[BaseException], None],
        on_refused: Callable[[MessagingError], None],
        logger: logging.Logger,
    ) -> None:
        self.loop = loop
        self.connection: C | None = None
        self._places = list(places)
        random.shuffle(self._places)
        self._connect = connect
        self._pauses = pauses
        self._on_up = on_up
        self._on_down = on_down
        self._on_refused = on_refused
        self._logger = logger
        self._waiting = Waiting(loop)
        self._refusal: MessagingError | None = None
        self._task = loop.create_task(self._run(), name=f"keeps a connection to {broker}")

    async def connected(self) -> None:
        """Waits until there is a connection.

        Raises:
            MessagingError: the brokers refuse us.
        """
        if self.connection is not None:
            return
        if self._refusal is not None:
            raise self._refusal
        await self._waiting.wait()

    async def close(self, error: BaseException) -> None:
        """Ends the connection and the attempts.

        Parameters:
            error: what is raised for those who wait.
        """
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._waiting.tell(error)
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()

    async def _run(self) -> None:
        pauses = self._pauses
        pause, last = pauses.first, ""
        while True:
            try:
                connection = await self._reach()
            except MessagingError as exc:
                # Once a reason; an outage isn't an entry for each attempt.
                level = logging.DEBUG if str(exc) == last else logging.WARNING
                self._logger.log(level, "no connection: %s; again within %.1f s", exc, pause)
                last = str(exc)
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(pause + pauses.growth, pauses.longest)
                continue
            pause, last = pauses.first, ""
            self._refusal = None
            lost: asyncio.Future[BaseException] = self.loop.create_future()
            connection.on_lost = lost.set_result
            self.connection = connection
            self._on_up(connection)
            self._waiting.tell()
            error = connection.error or await lost
            self.connection = None
            self._logger.warning("%s", error)
            self._on_down(error)
            self._places.append(self._places.pop(0))
            await asyncio.sleep(pauses.after_loss * random.uniform(0, 1))

    async def _reach(self) -> C:
        """Tries each place once."""
        errors: list[MessagingError] = []
        for _ in range(len(self._places)):
            try:
                return await self._connect(self._places[0])
            except MessagingError as exc:
                errors.append(exc)
            self._places.append(self._places.pop(0))
        refusals = [exc for exc in errors if not isinstance(exc, ConnectionLost)]
        if refusals:
            # A broker that can't be reached may be one that would let us in.
            if len(refusals) == len(errors):
                self._refusal = refusals[0]
                self._waiting.tell(refusals[0])
                self._on_refused(refusals[0])
            raise refusals[0]
        if len(errors) == 1:
            raise errors[0]
        raise ConnectionLost("; ".join(map(str, errors)))
