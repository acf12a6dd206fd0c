"""`NatsTransport`: what the core sees of all this. One connection per transport."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import uuid4

from mainspring.messaging.errors import (
    ConnectionLost,
    InvalidTarget,
    MessagingError,
    TransportClosed,
)
from mainspring.messaging.failures import failure_of
from mainspring.messaging.link import Link
from mainspring.messaging.linked import LinkedTransport
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.nats.connection import Connection, logger
from mainspring.messaging.nats.errors import MalformedMessage, Refused
from mainspring.messaging.nats.opening import open_connection
from mainspring.messaging.nats.options import Options, Place, context_of, places_of
from mainspring.messaging.nats.outbox import Outbox
from mainspring.messaging.nats.reader import Msg
from mainspring.messaging.nats.receivers import ListenerSubscription, ServerSubscription
from mainspring.messaging.nats.subjects import Subjects
from mainspring.messaging.nats.subscription import NatsSubscription
from mainspring.messaging.nats.wire import (
    decode_response,
    encode_cancel,
    encode_notification,
    encode_request,
    encode_response,
    headers_of,
)
from mainspring.messaging.target import Target
from mainspring.messaging.transport import (
    ConnectionEvent,
    Outcome,
    Receiver,
    Subscription,
)
from mainspring.messaging.url import TransportURL

__all__ = ["NatsTransport"]

# The exchange of targets that name none, if the URL has no path.
EXCHANGE = "mainspring"
# Seconds that what was sent last has to arrive.
_FAREWELL = 5.0


class NatsTransport(LinkedTransport[Connection, NatsSubscription[Any]]):
    """Messages over core NATS.

    Parameters:
        url: hosts, logins, the exchange and options.

    Raises:
        InvalidTransportURL: an option is unknown or wrong, or a file for TLS can't be read.
        DriverLoadFailure: keys are asked for, and what signs with them isn't installed.
    """

    schemes: ClassVar[tuple[str, ...]] = ("nats", "tls")

    def __init__(self, url: TransportURL) -> None:
        super().__init__(url)
        self.options = Options.of(url)
        self.subjects = Subjects(url.virtual_host or EXCHANGE)
        self._context = context_of(url, self.options)
        self._places = places_of(url, self.options)
        self._inbox = f"{self.options.inbox_prefix}.{uuid4().hex}"
        self._outbox: Outbox | None = None
        self._connection: Connection | None = None
        # Lost connections that are being left.
        self._leaving: set[asyncio.Task[None]] = set()
        names = ("poisoned", "given_up", "given_back", "refused", "dropped", "connections")
        self._counts = dict.fromkeys(names, 0)

    # -- the connection

    def _begin(self, loop: asyncio.AbstractEventLoop) -> Link[Connection, Place]:
        self._outbox = Outbox(loop, self.options, f"{self._inbox}.")
        return Link(
            loop,
            "NATS",
            self._places,
            lambda place: open_connection(
                loop, place, self._context, self.options, self._inbox, self._on_answer
            ),
            self.options.pauses,
            self._on_up,
            self._on_down,
            self._outbox.refused,
            logger,
        )

    async def _sent_last(self) -> None:
        if self._connection is not None:
            try:
                await self._connection.confirmed(_FAREWELL)
            except MessagingError as exc:
                logger.warning("what was sent last may be lost: %s", exc)

    async def _end(self, link: Link[Connection, Place], error: TransportClosed) -> None:
        if self._outbox is not None:
            self._outbox.close(error)
        await link.close(error)
        await asyncio.gather(*self._leaving)

    def _on_up(self, connection: Connection) -> None:
        outbox = self._started()
        self._counts["connections"] += 1
        self._connection = connection
        connection.on_denied = outbox.on_denied
        logger.info("connected to %s at %s", connection.version, connection.where)
        # First what takes messages: some of those that were held may be for it.
        for subscription in tuple(self._subscriptions):
            subscription.up(connection)
        outbox.up(connection)
        self._notify(ConnectionEvent.CONNECTED)

    def _on_down(self, error: BaseException) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        assert self.loop is not None
        task = self.loop.create_task(connection.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        for subscription in tuple(self._subscriptions):
            subscription.down()
        self._started().down(error)
        self._notify(ConnectionEvent.LOST, error)

    def _started(self) -> Outbox:
        return self._in_use(self._outbox)

    # -- sending

    def publish(self, message: Request | Notification, outcome: Outcome | None = None) -> None:
        """Sends a request or a notification."""
        outbox = self._started()
        assert self.loop is not None
        if isinstance(message, Request):
            subject = self.subjects.request(message.target)
            body = encode_request(message, self.loop.time())
        else:
            subject = self.subjects.notification(message.target, message.priority)
            body = encode_notification(message)
        headers = headers_of(message) if message.trace or message.headers else None
        outbox.publish(subject, body, headers, message, outcome)

    def respond(self, request: Request, response: Response, outcome: Outcome | None = None) -> None:
        """Answers a request that was delivered by this transport."""
        headers = headers_of(response) if response.headers else None
        self._started().respond(
            request.reply_to,
            encode_response(response),
            headers,
            response,
            outcome,
            request.deadline,
        )

    def cancel(self, request: Request) -> None:
        """Tells whoever has a published call that its caller has given it up."""
        outbox = self._outbox
        request.withdrawn = True
        if outbox is None or self._closed or request.msg_id is None:
            return
        if outbox.is_sent(request.msg_id):
            outbox.settle(request.msg_id)
            body = encode_cancel(request.unique_id or request.msg_id)
            outbox.send(self.subjects.cancellations(request.target), body)

    # -- receiving

    async def serve(
        self, target: Target, receiver: Receiver[Request], prefetch: int
    ) -> Subscription:
        """Has the requests for a target delivered."""
        if not target.topic or not target.server:
            raise InvalidTarget("a server needs a topic and a name", target)
        outbox = self._started()
        assert self.loop is not None
        return await self._subscribed(
            ServerSubscription(
                target,
                self.subjects,
                self.loop,
                outbox,
                receiver,
                prefetch,
                self.options.max_waiting,
                self._counts,
                self._subscriptions.discard,
            )
        )

    async def listen(
        self,
        bindings: Sequence[tuple[Target, str]],
        receiver: Receiver[Notification],
        prefetch: int,
        pool: str | None = None,
    ) -> Subscription:
        """Has the notifications of some topics and priorities delivered."""
        outbox = self._started()
        assert self.loop is not None
        return await self._subscribed(
            ListenerSubscription(
                bindings,
                pool,
                self.subjects,
                self.loop,
                outbox,
                receiver,
                prefetch,
                self.options.max_waiting,
                self._counts,
                self._subscriptions.discard,
            )
        )

    async def _subscribed(self, subscription: NatsSubscription[Any]) -> Subscription:
        """Returns a subscription once the server has it."""
        self._subscriptions.add(subscription)
        try:
            if self._connection is not None:
                subscription.up(self._connection)
            while True:
                await self.connected()
                try:
                    if self._connection is not None:
                        await self._connection.confirmed()
                        break
                except ConnectionLost:
                    # The next connection has it, too.
                    continue
            if (words := subscription.denial()) is not None:
                raise Refused(words)
        except BaseException:
            await subscription.close()
            raise
        return subscription

    def _on_answer(self, msg: Msg) -> None:
        """Takes what comes to our inbox."""
        token, headers = msg.token, msg.headers
        outbox, replies = self._outbox, self.replies
        if outbox is None or replies is None:
            return
        if headers is not None and not msg.data and headers.get("Status") == "503":
            outbox.on_no_responders(token)
            return
        try:
            response = decode_response(msg.data, headers, token)
        except MalformedMessage as exc:
            self._counts["poisoned"] += 1
            logger.error("an answer that can't be read: %s", exc)
            response = Response(token)
            response.failure = failure_of(exc)
        if response.ending:
            outbox.settle(token)
        replies.on_response(response)

    def statistics(self) -> dict[str, int]:
        """Returns counts by name."""
        sent = {} if self._outbox is None else self._outbox.statistics
        return {**sent, **self._counts}
