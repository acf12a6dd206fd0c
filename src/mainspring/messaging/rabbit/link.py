"""`Link`: a connection to one of several brokers, again and again.

The hosts are tried in turn, from a random one on, so that the clients of a cluster spread. After a
loss the next host is first. Pauses grow, and are random: when a broker comes back, not
everybody comes at the same moment.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Sequence

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.rabbit.attachment import logger
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.waiting import Waiting

__all__ = ["Link", "Place"]

type Place = tuple[str, int, Login]


class Link:
    """Keeps a connection up.

    Parameters:
        loop: the loop.
        places: host, port and login of each broker.
        context: TLS, or None.
        options: the pauses, and the patience.
        on_up: is called with each new connection.
        on_down: is called with the error when it has gone.
        on_refused: is called when every broker that can be reached refuses us.

    Attributes:
        connection: the connection; None while there is none.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        places: Sequence[Place],
        context: ssl.SSLContext | None,
        options: Options,
        on_up: Callable[[Connection], None],
        on_down: Callable[[BaseException], None],
        on_refused: Callable[[MessagingError], None],
    ) -> None:
        self.loop = loop
        self.connection: Connection | None = None
        self._places = list(places)
        random.shuffle(self._places)
        self._context = context
        self._options = options
        self._on_up = on_up
        self._on_down = on_down
        self._on_refused = on_refused
        self._waiting = Waiting(loop)
        self._refusal: MessagingError | None = None
        self._task = loop.create_task(self._run(), name="keeps a connection to RabbitMQ")

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
        options = self._options
        pause, last = options.rabbit_retry_interval, ""
        while True:
            try:
                connection = await self._reach()
            except MessagingError as exc:
                # Once a reason; an outage isn't an entry for each attempt.
                level = logging.DEBUG if str(exc) == last else logging.WARNING
                logger.log(level, "no connection: %s; again within %.1f s", exc, pause)
                last = str(exc)
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(pause + options.rabbit_retry_backoff, options.rabbit_interval_max)
                continue
            pause, last = options.rabbit_retry_interval, ""
            self._refusal = None
            lost: asyncio.Future[BaseException] = self.loop.create_future()
            connection.on_lost = lost.set_result
            self.connection = connection
            self._on_up(connection)
            self._waiting.tell()
            error = connection.error or await lost
            self.connection = None
            logger.warning("%s", error)
            self._on_down(error)
            self._places.append(self._places.pop(0))
            await asyncio.sleep(options.kombu_reconnect_delay * random.uniform(0, 1))

    async def _reach(self) -> Connection:
        """Tries each host once."""
        errors: list[MessagingError] = []
        for _ in range(len(self._places)):
            host, port, login = self._places[0]
            try:
                return await open_connection(
                    self.loop, host, port, login, self._context, self._options.connection_timeout
                )
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
