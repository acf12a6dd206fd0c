"""`NatsSubscription`: what is delivered to one receiver, and held back when that has enough.

The server hands a message to one of a queue group at once, whether or not that one has room: core
NATS has no prefetch. So what is beyond the receiver's waits here, in order of arrival, up to a
bound, and is refused beyond that. What a receiver gives back goes to the others through the server,
with the place that its answer is to go to.
"""

import abc
import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mainspring.messaging.messages import Notification, Request
from mainspring.messaging.nats.connection import Connection, logger
from mainspring.messaging.nats.outbox import Outbox
from mainspring.messaging.nats.reader import Msg
from mainspring.messaging.transport import Delivery, Receiver, Subscription

__all__ = ["NatsDelivery", "NatsSubscription", "Stream"]


class Stream(NamedTuple):
    """A subject that a receiver has messages of.

    Attributes:
        subject: the subject.
        queue: the queue group; empty for none.
        receive: takes a message; doesn't raise.
    """

    subject: str
    queue: str
    receive: Callable[[Msg], None]


class NatsDelivery[M: (Request, Notification)](Delivery[M]):
    """A delivery. To acknowledge it makes room; the server has forgotten it long before.

    Attributes:
        origin: where it is given back to; None if that would have it run more than once.
    """

    __slots__ = ("_subscription", "attempt", "message", "origin", "redelivered")

    def __init__(
        self,
        subscription: "NatsSubscription[M]",
        message: M,
        attempt: int,
        origin: str | None,
    ) -> None:
        self.message = message
        self.attempt = attempt
        self.redelivered = attempt > 1
        self.origin = origin
        self._subscription: NatsSubscription[M] | None = subscription

    def ack(self) -> None:
        """Settles the message as done."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.settled(self)

    def reject(self, requeue: bool) -> None:
        """Settles the message as not done here."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            if requeue:
                subscription.give_back(self)
            subscription.settled(self)


class NatsSubscription[M: (Request, Notification)](Subscription):
    """The deliveries of some subjects to one receiver.

    Parameters:
        loop: the loop.
        outbox: sends what is given back.
        what: what it is, for the log.
        receiver: takes the deliveries.
        prefetch: how many of them may be unsettled.
        max_waiting: how many more may be here.
        on_end: is called when it has ended.

    Attributes:
        counts: what became of messages.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        what: str,
        receiver: Receiver[M],
        prefetch: int,
        max_waiting: int,
        counts: dict[str, int],
        on_end: Callable[["NatsSubscription[M]"], None],
    ) -> None:
        self.what = what
        self.counts = counts
        self._loop = loop
        self._outbox = outbox
        self._receiver: Receiver[M] = receiver
        self._prefetch = prefetch
        self._max_waiting = max_waiting
        self._on_end: Callable[[NatsSubscription[M]], None] = on_end
        self._connection: Connection | None = None
        self._subscriptions: list[int] = []
        self._unsettled: dict[NatsDelivery[M], None] = {}
        self._waiting: OrderedDict[str | int, NatsDelivery[M]] = OrderedDict()
        self._is_wanted = True
        self._is_stopped = False
        self._is_full = False

    @abc.abstractmethod
    def streams(self) -> Sequence[Stream]:
        """Returns the subjects that it takes messages of."""

    @abc.abstractmethod
    def give_back(self, delivery: NatsDelivery[M]) -> None:
        """Has a message delivered to another, if there is one."""

    async def look_for_others(self) -> None:
        """Finds out who is left for what will be given back."""

    @abc.abstractmethod
    def refuse(self, message: M) -> None:
        """Deals with a message that there is no place for."""

    def up(self, connection: Connection) -> None:
        """Takes messages over a new connection."""
        if not self._is_wanted:
            return
        self._connection = connection
        self._subscriptions = [connection.subscribe(*stream) for stream in self.streams()]

    def down(self) -> None:
        """Is told that the connection has gone; what has come is kept."""
        self._connection = None
        self._subscriptions.clear()
        self._receiver.on_connection_lost()

    def denial(self) -> str | None:
        """Returns the server's words if it doesn't allow one of the subjects."""
        connection = self._connection
        if connection is not None:
            for stream in self.streams():
                if (words := connection.denial_of(stream.subject)) is not None:
                    return words
        return None

    def take(self, key: str | int, delivery: NatsDelivery[M]) -> None:
        """Delivers a message, or has it wait, or refuses it.

        Parameters:
            key: names it among those that wait.
            delivery: the message.
        """
        if self._is_stopped:
            self.give_back(delivery)
        elif not self._waiting and len(self._unsettled) < self._prefetch:
            self._unsettled[delivery] = None
            self._receiver.on_delivery(delivery)
        elif len(self._waiting) < self._max_waiting:
            self._waiting[key] = delivery
        else:
            self.counts["refused"] += 1
            if not self._is_full:
                # Once for each time; there may be thousands.
                self._is_full = True
                logger.warning("%s refuses messages: %d wait", self.what, len(self._waiting))
            self.refuse(delivery.message)

    def drop(self, key: str) -> bool:
        """Drops a message that waits; returns False if there is none of this name."""
        return self._waiting.pop(key, None) is not None

    def settled(self, delivery: NatsDelivery[M]) -> None:
        """Makes room for the next."""
        self._unsettled.pop(delivery, None)
        if self._waiting and not self._is_stopped:
            # A receiver that settles at once must not run deeper and deeper into itself.
            self._loop.call_soon(self._deliver_waiting)

    def set_prefetch(self, prefetch: int) -> None:
        """Bounds how many deliveries may be unsettled at once."""
        if prefetch < 1:
            raise ValueError(f"a prefetch is 1 or more, not {prefetch}")
        self._prefetch = prefetch
        self._loop.call_soon(self._deliver_waiting)

    async def stop(self) -> None:
        """Ends the deliveries; what is on its way is still taken, what waits is given back."""
        if not self._is_wanted:
            return
        self._is_wanted = False
        connection, subscriptions = self._connection, self._subscriptions
        self._subscriptions = []
        if connection is not None:
            await asyncio.gather(*map(connection.unsubscribe, subscriptions))
        self._is_stopped = True
        if self._waiting or self._unsettled:
            await self.look_for_others()
        waiting, self._waiting = self._waiting, OrderedDict()
        for delivery in waiting.values():
            self.give_back(delivery)

    async def close(self) -> None:
        """Stops, and gives back what is unsettled."""
        await self.stop()
        for delivery in tuple(self._unsettled):
            delivery.reject(requeue=True)
        self._on_end(self)

    def _deliver_waiting(self) -> None:
        waiting = self._waiting
        while waiting and len(self._unsettled) < self._prefetch and not self._is_stopped:
            _, delivery = waiting.popitem(last=False)
            self._unsettled[delivery] = None
            self._receiver.on_delivery(delivery)
        if len(waiting) < self._max_waiting:
            self._is_full = False
