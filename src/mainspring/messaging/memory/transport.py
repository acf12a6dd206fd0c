"""`MemoryTransport`: the connection of one loop to a broker in this process.

What is done once per message is in `end`; here is what is done once per connection or
subscription.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, override

from mainspring.messaging.errors import ConnectionLost, TransportClosed
from mainspring.messaging.memory.broker import Broker, Consumer
from mainspring.messaging.memory.end import MemoryEnd
from mainspring.messaging.memory.inbox import Inbox
from mainspring.messaging.messages import Notification, Request
from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent, Receiver, Subscription, Transport
from mainspring.messaging.url import TransportURL

__all__ = ["MemoryTransport"]


class MemoryTransport(MemoryEnd, Transport):
    """`memory://` and `memory://NAME`: transports of one name reach one another.

    Parameters:
        url: the broker's name is its host. `?max_length=N` bounds the queues that are made from now
            on.
    """

    schemes = ("memory",)

    def __init__(self, url: TransportURL) -> None:
        super().__init__(url)
        host = url.hosts[0].hostname if url.hosts else None
        self.begin(Broker.named(host or ""), Inbox(self._on_loop_closed))
        if "max_length" in url.query:
            self.broker.max_length = int(url.query["max_length"])
        self._subscriptions: dict[_Subscription, None] = {}
        self._waiting: list[asyncio.Future[None]] = []

    @override
    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._belongs_to(loop, self.is_closed):
            self.inbox.loop = loop
            self.is_connected = self.inbox.is_open = True
            self._notify(ConnectionEvent.CONNECTED)

    @override
    async def connected(self) -> None:
        if self.loop is None:
            self.start(asyncio.get_running_loop())
        if self.is_closed:
            raise TransportClosed("the transport was closed; make another")
        if not self.is_connected:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    @override
    async def close(self) -> None:
        if self.is_closed:
            return
        self.is_closed = self.inbox.is_open = True
        closed = TransportClosed("the transport was closed")
        with self.broker.lock:
            for subscription in tuple(self._subscriptions):
                subscription.leave(give_back=True)
            self._subscriptions.clear()
        self.refuse_held(closed)
        # Outcomes that are on their way are owed; the rest finds nobody any more.
        self.inbox.hand_out_outcomes()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(closed)
        self._notify(ConnectionEvent.CLOSED)

    @override
    def cancel(self, request: Request) -> None:
        with self.broker.lock:
            self.broker.cancel(request)

    @override
    async def serve(
        self, target: Target, receiver: Receiver[Request], prefetch: int
    ) -> Subscription:
        await self.connected()

        def attach(consumer: Consumer) -> None:
            self.broker.serve(consumer, target.exchange, target.topic, target.server or "")

        return _Subscription(self, receiver, prefetch, attach)

    @override
    async def listen(
        self,
        bindings: Sequence[tuple[Target, str]],
        receiver: Receiver[Notification],
        prefetch: int,
        pool: str | None = None,
    ) -> Subscription:
        await self.connected()
        keys = [(target.exchange, target.topic, priority) for target, priority in bindings]

        def attach(consumer: Consumer) -> None:
            self.broker.listen(consumer, list(keys), pool)

        return _Subscription(self, receiver, prefetch, attach)

    @override
    def statistics(self) -> dict[str, int]:
        with self.broker.lock:
            return dict(self.broker.counts)

    def lose_connection(self) -> None:
        """Has the connection break, as a network's may, until `restore_connection()`: for tests.

        What was delivered and isn't settled is delivered again, to others or later. What is
        published meanwhile is kept. Replies that come meanwhile are, too.
        """
        if not self.is_connected:
            return
        self.is_connected = self.inbox.is_open = False
        with self.broker.lock:
            for subscription in self._subscriptions:
                subscription.leave(give_back=True)
            # What is still in the inbox was given back with the rest.
            self.inbox.drop([s.consumer.receiver.on_delivery for s in self._subscriptions])
        for subscription in tuple(self._subscriptions):
            subscription.consumer.receiver.on_connection_lost()
        self._notify(ConnectionEvent.LOST, ConnectionLost("lose_connection() was called"))

    def restore_connection(self) -> None:
        """Ends what `lose_connection()` began."""
        if self.is_connected or self.is_closed:
            return
        self.is_connected = self.inbox.is_open = True
        with self.broker.lock:
            for subscription in self._subscriptions:
                subscription.renew()
        self.send_held()
        self.inbox.schedule()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()
        self._notify(ConnectionEvent.CONNECTED)

    def _on_loop_closed(self) -> None:
        """The loop was closed, and nobody closed the transport: others get what it had."""
        self.is_closed = True
        with self.broker.lock:
            for subscription in tuple(self._subscriptions):
                subscription.leave(give_back=True)
            self._subscriptions.clear()


class _Subscription(Subscription):
    """A consumer, and another after a lost connection."""

    def __init__(
        self,
        transport: MemoryTransport,
        receiver: Receiver[Any],
        prefetch: int,
        attach: Callable[[Consumer], None],
    ) -> None:
        self._transport = transport
        self._attach = attach
        self.consumer = Consumer(transport.broker, transport.inbox, receiver, prefetch)
        transport._subscriptions[self] = None
        with transport.broker.lock:
            attach(self.consumer)

    @override
    def set_prefetch(self, prefetch: int) -> None:
        with self._transport.broker.lock:
            self.consumer.set_prefetch(prefetch)

    @override
    async def stop(self) -> None:
        with self._transport.broker.lock:
            self.leave(give_back=False)
        self._transport._subscriptions.pop(self, None)

    @override
    async def close(self) -> None:
        with self._transport.broker.lock:
            self.leave(give_back=True)
        self._transport._subscriptions.pop(self, None)

    def leave(self, give_back: bool) -> None:
        """Takes nothing more; under the broker's lock."""
        self._transport.broker.leave(self.consumer)
        if give_back:
            self.consumer.give_back()

    def renew(self) -> None:
        """Consumes again, on a new connection; under the broker's lock."""
        old = self.consumer
        transport = self._transport
        self.consumer = Consumer(transport.broker, transport.inbox, old.receiver, old.prefetch)
        self._attach(self.consumer)
