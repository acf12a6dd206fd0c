"""`RabbitTransport`: what the core sees of all this.

One connection per transport. On it: one channel to publish on, one for the replies to our
calls if there are any, one for each server and each listener.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from mainspring.messaging.errors import InvalidTarget, MessagingError, TransportClosed
from mainspring.messaging.link import Link
from mainspring.messaging.linked import LinkedTransport
from mainspring.messaging.messages import Failure, Notification, Request, Response, new_id
from mainspring.messaging.rabbit.attachment import logger
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.contents import body_of, request_headers
from mainspring.messaging.rabbit.envelope import COMPRESSIONS, MalformedMessage, compress, unwrap
from mainspring.messaging.rabbit.errors import BrokerError
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import table
from mainspring.messaging.rabbit.names import QueueNames
from mainspring.messaging.rabbit.opening import open_connection
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.places import Place, context_of, places_of
from mainspring.messaging.rabbit.publisher import Address, Publication, Publisher
from mainspring.messaging.rabbit.replies import Replies
from mainspring.messaging.rabbit.responses import Responder
from mainspring.messaging.rabbit.subscription import RabbitSubscription
from mainspring.messaging.rabbit.topology import CANCELS, Queue, Topology
from mainspring.messaging.rabbit.wire import (
    decode_notification,
    decode_request,
    encode_cancel,
    encode_notification,
    encode_request,
    encode_response,
)
from mainspring.messaging.target import Target
from mainspring.messaging.transport import (
    ConnectionEvent,
    Outcome,
    Receiver,
    Subscription,
)
from mainspring.messaging.url import TransportURL

__all__ = ["RabbitTransport"]

# How many addresses are remembered, and how long the last messages have to be confirmed.
_ADDRESSES = 10_000
_FAREWELL = 5.0
# The broker refuses transient queues since 4.3, with this in its words.
_TRANSIENT_REFUSED = "transient_nonexcl_queues"


class RabbitTransport(LinkedTransport[Connection, RabbitSubscription[Any]]):
    """Messages over RabbitMQ, as oslo.messaging has them.

    Parameters:
        url: hosts, login, virtual host and options.

    Raises:
        InvalidTransportURL: an option is unknown or wrong, or a file for TLS can't be read.
    """

    schemes: ClassVar[tuple[str, ...]] = ("rabbit", "kombu", "amqp", "amqps")

    def __init__(self, url: TransportURL) -> None:
        super().__init__(url)
        self.options = Options.of(url)
        self.topology = Topology(self.options)
        self._names = QueueNames(self.options)
        self._context = context_of(url, self.options)
        self._places = places_of(url, self.options)
        self._compression = COMPRESSIONS.get(self.options.kombu_compression, "")
        self._plain_headers = (
            table({"compression": self._compression}) if self._compression else b""
        )
        self._publisher: Publisher | None = None
        self._responder: Responder | None = None
        self._replies: Replies | None = None
        self._addresses: dict[tuple[Any, ...], Address] = {}
        self._poisoned = self._given_up = 0

    # -- the connection

    def _begin(self, loop: asyncio.AbstractEventLoop) -> Link[Connection, Place]:
        options = self.options
        self._publisher = Publisher(loop, options.max_pending, options.max_pending_bytes)
        self._responder = Responder(self._publisher, options.kombu_missing_consumer_retry_timeout)
        return Link(
            loop,
            "RabbitMQ",
            self._places,
            lambda at: open_connection(loop, *at, self._context, options.connection_timeout),
            options.pauses,
            self._on_up,
            self._on_down,
            self._publisher.refused,
            logger,
        )

    async def _sent_last(self) -> None:
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._started().drained()
        except TimeoutError:
            pass

    async def _end(self, link: Link[Connection, Place], error: TransportClosed) -> None:
        if self._responder is not None:
            self._responder.close(error)
        if self._replies is not None:
            await self._replies.close()
        if self._publisher is not None:
            await self._publisher.close(error)
        await link.close(error)
        self._names.close()

    def _on_up(self, connection: Connection) -> None:
        publisher = self._started()
        connection.on_blocked = self._on_blocked
        logger.info("connected to RabbitMQ %s at %s", connection.tuning.version, connection.where)
        publisher.up(connection)
        if self._replies is not None:
            self._replies.up(connection)
        for subscription in self._subscriptions:
            subscription.up(connection)
        self._notify(ConnectionEvent.CONNECTED)

    def _on_down(self, error: BaseException) -> None:
        if isinstance(error, BrokerError) and _TRANSIENT_REFUSED in error.text:
            logger.warning("this broker has no transient queues: queues are durable from now on")
            self.topology.be_durable()
            self._addresses.clear()
        self._notify(ConnectionEvent.LOST, error)

    def _on_blocked(self, reason: str | None) -> None:
        if reason is None:
            self._notify(ConnectionEvent.UNBLOCKED)
        else:
            logger.warning("RabbitMQ takes no messages for now: %s", reason)
            self._notify(ConnectionEvent.BLOCKED)

    def _started(self) -> Publisher:
        return self._in_use(self._publisher)

    # -- sending

    def publish(self, message: Request | Notification, outcome: Outcome | None = None) -> None:
        """Sends a request or a notification."""
        publisher = self._started()
        loop = publisher.loop
        if isinstance(message, Notification):
            body = encode_notification(message)
            publication = Publication(self._events(message), self._packed(body), message, outcome)
        else:
            reply_queue = None
            if message.msg_id is not None:
                reply_queue = self._replies_for_calls().name
            body = encode_request(message, reply_queue)
            address = self._address(message.target)
            publication = Publication(address, self._packed(body), message, outcome)
            publication.mandatory = message.mandatory
            if reply_queue is not None:
                publication.is_call = True
                publication.deadline = message.deadline
                # So that `cancel` finds it.
                message.reply_to = publication
        publication.headers = request_headers(
            message, loop.time(), self._compression, self.options.extensions
        )
        publisher.publish(publication)

    def _packed(self, body: bytes) -> bytes:
        return compress(body, self._compression) if self._compression else body

    def _address(self, target: Target) -> Address:
        key = (target.exchange, target.topic, target.server, target.fanout)
        address = self._addresses.get(key)
        if address is None:
            if not target.topic:
                raise InvalidTarget("a message needs a topic", target)
            exchange, routing_key = self.topology.address(target)
            declaration = lambda: self.topology.address(target)[0]  # noqa: E731
            address = Address(exchange.name, routing_key, declaration)
            self._remember(key, address)
        return address

    def _events(self, notification: Notification) -> Address:
        target = notification.target
        key = (target.exchange, target.topic, notification.priority)
        address = self._addresses.get(key)
        if address is None:
            # The queue too, so that nothing is lost before there is a listener.
            priority = notification.priority
            queue = self.topology.notification_queue(target, priority)
            exchange, routing_key = queue.bindings[0]
            declaration = lambda: self.topology.notification_queue(target, priority)  # noqa: E731
            address = Address(exchange.name, routing_key, declaration)
            self._remember(key, address)
        return address

    def _remember(self, key: tuple[Any, ...], address: Address) -> None:
        if len(self._addresses) >= _ADDRESSES:
            self._addresses.clear()
        self._addresses[key] = address

    def _replies_for_calls(self) -> Replies:
        """Returns the consumer of replies; the first call makes it."""
        if self._replies is None:
            publisher = self._started()
            if self.replies is None:
                raise RuntimeError("a call was published, and nobody takes the replies")
            name = f"reply_{self._names.take()}"
            self._replies = Replies(publisher.loop, self.topology, name, publisher, self.replies)
            connection = self._link.connection if self._link is not None else None
            if connection is not None:
                self._replies.up(connection)
        return self._replies

    def respond(self, request: Request, response: Response, outcome: Outcome | None = None) -> None:
        """Answers a request that was delivered by this transport."""
        self._started()
        assert self._responder is not None
        body = self._packed(encode_response(response, new_id()))
        self._responder.respond(request, response, body, self._plain_headers, outcome)

    def cancel(self, request: Request) -> None:
        """Tells whoever has a published call that its caller has given it up."""
        publisher, publication = self._publisher, request.reply_to
        if publisher is None or self._closed or request.msg_id is None:
            return
        if not isinstance(publication, Publication):
            return
        if not publication.sent:
            publication.dropped = True
            publisher.pump()
        elif self.options.extensions:
            topic, server = request.target.topic, request.target.server
            key = (CANCELS, topic, server)
            address = self._addresses.get(key)
            if address is None:
                routing_key = f"{topic}.{server}" if server else str(topic)
                address = Address(CANCELS, routing_key, self.topology.cancel_exchange)
                self._remember(key, address)
            body = encode_cancel(request.msg_id)
            try:
                publisher.publish(Publication(address, body, None, None))
            except MessagingError as exc:
                # It was an attempt.
                logger.warning("a server isn't told that its caller has gone: %s", exc)

    # -- receiving

    async def serve(
        self, target: Target, receiver: Receiver[Request], prefetch: int
    ) -> Subscription:
        """Has the requests for a target delivered."""
        if not target.topic:
            raise InvalidTarget("a server needs a topic", target)
        self._started()
        who = self._names.take()

        def decode(body: bytes, content: Content) -> Request:
            return decode_request(body, target.topic, target.server)

        return await self._subscribe(
            f"the server of {target}",
            lambda: self.topology.queues_of_server(target, who),
            receiver,
            decode,
            self._answer_poison,
            prefetch,
            who,
        )

    async def listen(
        self,
        bindings: Sequence[tuple[Target, str]],
        receiver: Receiver[Notification],
        prefetch: int,
        pool: str | None = None,
    ) -> Subscription:
        """Has the notifications of some topics and priorities delivered."""
        bindings = list(bindings)

        def decode(body: bytes, content: Content) -> Notification:
            topic, _, priority = (content.routing_key or "").rpartition(".")
            return decode_notification(body, topic, priority)

        return await self._subscribe(
            f"the listener of {', '.join(f'{t.topic}.{p}' for t, p in bindings)}",
            lambda: self.topology.queues_of_listener(bindings, pool),
            receiver,
            decode,
            self._count_poison,
            prefetch,
        )

    async def _subscribe[M: (Request, Notification)](
        self,
        what: str,
        queues: Callable[[], Sequence[Queue]],
        receiver: Receiver[M],
        decode: Callable[[bytes, Content], M],
        poisoned: Callable[[Content, MalformedMessage], None],
        prefetch: int,
        who: str = "",
    ) -> Subscription:
        loop = self._started().loop
        bound = self.options.rabbit_qos_prefetch_count
        subscription = RabbitSubscription(
            loop,
            what,
            queues,
            receiver,
            decode,
            poisoned,
            min(prefetch, bound) if bound else prefetch,
            self._count_given_up,
            lambda ended: self._on_end(ended, who),
        )
        self._subscriptions.add(subscription)
        try:
            if self._link is not None and self._link.connection is not None:
                subscription.up(self._link.connection)
            await subscription.attached()
        except BaseException:
            await subscription.close()
            raise
        return subscription

    def _on_end(self, subscription: RabbitSubscription[Any], who: str) -> None:
        self._subscriptions.discard(subscription)
        self._names.give_back(who)

    def _count_given_up(self) -> None:
        self._given_up += 1

    def _count_poison(self, content: Content, why: MalformedMessage) -> None:
        self._poisoned += 1

    def _answer_poison(self, content: Content, why: MalformedMessage) -> None:
        """Tells the caller, if it can be read who that is, that its call can't be."""
        self._poisoned += 1
        try:
            message, _ = unwrap(body_of(content))
        except MalformedMessage:
            return
        msg_id, queue = message.get("_msg_id"), message.get("_reply_q")
        if isinstance(msg_id, str) and isinstance(queue, str):
            request = Request(Target(), "", {})
            request.msg_id, request.reply_to = msg_id, queue
            response = Response(msg_id)
            response.failure = Failure("MalformedMessage", MalformedMessage.__module__, str(why))
            try:
                self.respond(request, response)
            except MessagingError as exc:
                logger.warning("nobody is told of a malformed call: %s", exc)

    def statistics(self) -> dict[str, int]:
        """Returns counts by name."""
        counts = dict(self._publisher.statistics) if self._publisher is not None else {}
        replies = self._replies.poisoned if self._replies is not None else 0
        return {**counts, "poisoned": self._poisoned + replies, "given_up": self._given_up}
