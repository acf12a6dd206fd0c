"""`Publisher`: everything that is sent goes through here, in order, and each outcome is told once.

A message is in one of two places: in `_pending` until it may be sent (no connection, no room, an
exchange or a reply queue that isn't there yet), or in `_unconfirmed` until the broker has taken it.
What is unconfirmed when the channel goes is pending again, at the front.

Delivery tags count from 1 on each channel, so a table by tag needs no order: what `multiple`
confirms begins at the lowest tag that wasn't. The broker returns in the order of publishing, so
what is returned is found behind what was returned last.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from mainspring.messaging.errors import (
    MessageDeliveryFailure,
    MessageUndeliverable,
    MessagingError,
    TransportBusy,
)
from mainspring.messaging.rabbit.attachment import Attachment, logger
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.errors import BrokerError
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import commands, content_frames, publish_frame
from mainspring.messaging.rabbit.topology import (
    Exchange,
    Queue,
    declare_exchange,
    declare_queue,
)
from mainspring.messaging.transport import Outcome

__all__ = ["Address", "Publication", "Publisher"]

# How often a message is sent again after the broker has closed the channel because of it.
_ATTEMPTS = 3
_NOT_FOUND = 404
_TOO_LARGE = re.compile(r"message size (\d+)")
# The longest time in milliseconds that RabbitMQ takes; it is seven weeks.
_LONGEST = 2**32 - 1
# What a message costs beside its body, roughly.
_OVERHEAD = 500


class Address:
    """Where messages go, and what must be there before they do.

    Parameters:
        exchange: the name of the exchange.
        routing_key: the routing key.
        declaration: makes the exchange or the queue to declare first; None for nothing.
    """

    __slots__ = ("declaration", "declared_on", "exchange", "routing_key")

    def __init__(
        self,
        exchange: str,
        routing_key: str,
        declaration: Callable[[], Exchange | Queue] | None,
    ) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.declaration = declaration
        self.declared_on: Channel | None = None


class Publication:
    """A message on its way to the broker.

    Parameters:
        address: where it goes.
        body: its bytes.
        message: what the outcome is about.
        outcome: who wants to know; None for nobody.
    """

    __slots__ = (
        "address",
        "attempts",
        "body",
        "deadline",
        "dropped",
        "headers",
        "is_call",
        "mandatory",
        "message",
        "outcome",
        "returned",
        "sent",
    )

    def __init__(
        self, address: Address, body: bytes, message: Any, outcome: Outcome | None
    ) -> None:
        self.address = address
        self.body = body
        self.message = message
        self.outcome = outcome
        self.headers = b""
        self.deadline: float | None = None
        self.mandatory = False
        self.is_call = False
        self.sent = False
        self.returned = False
        self.dropped = False
        self.attempts = 0


class Publisher(Attachment):
    """Sends, on a channel with confirms.

    Parameters:
        loop: the loop.
        max_pending: how many messages it holds at most.
        max_bytes: how many bytes these may have.

    Attributes:
        replies_are_ready: False holds calls back, because their replies had nowhere to go.
        statistics: what has been counted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_pending: int, max_bytes: int) -> None:
        super().__init__(loop, "the publishing channel")
        self.replies_are_ready = False
        self.statistics = dict.fromkeys(
            ("published", "confirmed", "returned", "resent", "nacked"), 0
        )
        self._max_pending = max_pending
        self._max_bytes = max_bytes
        self._held = 0
        self._bytes = 0
        self._pending: deque[Publication] = deque()
        self._unconfirmed: dict[int, Publication] = {}
        self._next_tag = self._lowest_tag = self._return_cursor = 1
        self._declaring: asyncio.Task[None] | None = None
        self._pump_is_due = False
        self._idle: asyncio.Future[None] | None = None

    def publish(self, publication: Publication) -> None:
        """Sends a message as soon as it can be.

        Raises:
            TransportBusy: too much waits already.
        """
        if self._held >= self._max_pending or self._bytes >= self._max_bytes:
            raise TransportBusy(
                f"{self._held} messages with {self._bytes} bytes wait to be sent or confirmed; "
                f"max_pending and max_pending_bytes bound them"
            )
        self._held += 1
        self._bytes += len(publication.body) + _OVERHEAD
        if not self._pending and self._may_send(publication):
            self._send(publication)
        else:
            self._pending.append(publication)
            self.pump()

    def _may_send(self, publication: Publication) -> bool:
        channel = self.channel
        return (
            channel is not None
            and channel.connection.writable
            and (publication.address.declared_on is channel or not publication.address.exchange)
            and (self.replies_are_ready or not publication.is_call)
        )

    def _send(self, publication: Publication) -> None:
        channel = self.channel
        assert channel is not None
        address = publication.address
        expiration = None
        if publication.deadline is not None:
            left = publication.deadline - self.loop.time()
            # The broker drops what has expired when it is delivered; 0 would be at once.
            expiration = min(max(1, round(left * 1000)), _LONGEST)
        connection = channel.connection
        connection.write(
            publish_frame(
                channel.number, address.exchange, address.routing_key, publication.mandatory
            )
        )
        connection.write_all(
            content_frames(
                channel.number,
                publication.body,
                connection.tuning.frame_max,
                publication.headers,
                expiration,
            )
        )
        publication.sent = True
        self._unconfirmed[self._next_tag] = publication
        self._next_tag += 1
        self.statistics["published"] += 1

    def pump(self) -> None:
        """Sends what is pending, as soon as the loop comes to it."""
        if not self._pump_is_due:
            self._pump_is_due = True
            self.loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_is_due = False
        now = self.loop.time()
        pending = self._pending
        # What waits for an exchange, or for the queue for replies, doesn't hold the others up.
        kept: deque[Publication] = deque()
        while pending and self.channel is not None and self.channel.connection.writable:
            first = pending.popleft()
            if first.dropped or (first.deadline is not None and first.deadline <= now):
                why = "was given up" if first.dropped else "was too late"
                self._end(first, MessageDeliveryFailure(f"the message {why} before it was sent"))
            elif self._may_send(first):
                self._send(first)
            else:
                self._declare(first.address)
                kept.append(first)
        if kept:
            kept.extend(pending)
            self._pending = kept

    def _declare(self, address: Address) -> None:
        """Has what an address needs declared, if that is what its message waits for."""
        channel = self.channel
        if channel is None or address.declared_on is channel or self._declaring is not None:
            return
        self._declaring = self.loop.create_task(
            self._declare_on(channel, address), name=f"declares {address.exchange}"
        )

    async def _declare_on(self, channel: Channel, address: Address) -> None:
        try:
            wanted = address.declaration() if address.declaration is not None else None
            if isinstance(wanted, Queue):
                await declare_queue(channel.connection, wanted)
            elif wanted is not None:
                await declare_exchange(channel.connection, wanted)
            address.declared_on = channel
        except MessagingError as exc:
            if channel.connection.error is None:
                self._fail_all(exc, lambda pending: pending.address is address)
        finally:
            self._declaring = None
            self.pump()

    def _fail_all(
        self, error: MessagingError, which: Callable[[Publication], bool] = lambda _: True
    ) -> None:
        failed = [pending for pending in self._pending if which(pending)]
        self._pending = deque(pending for pending in self._pending if not which(pending))
        for publication in failed:
            self._end(publication, error)

    def refused(self, error: MessagingError) -> None:
        """Fails what is pending: the broker lets nobody in."""
        self._fail_all(error)

    # -- what the broker says

    def on_confirm(self, tag: int, multiple: bool, taken: bool) -> None:
        """Takes a confirm."""
        if not multiple:
            publication = self._unconfirmed.pop(tag, None)
            if publication is not None:
                self._confirmed(publication, taken)
            return
        for number in range(self._lowest_tag, tag + 1):
            publication = self._unconfirmed.pop(number, None)
            if publication is not None:
                self._confirmed(publication, taken)
        self._lowest_tag = max(self._lowest_tag, tag + 1)

    def _confirmed(self, publication: Publication, taken: bool) -> None:
        error: MessagingError | None = None
        address = publication.address
        if publication.returned:
            self.statistics["returned"] += 1
            error = MessageUndeliverable(
                f"nobody receives what is sent to {address.routing_key!r} of the exchange "
                f"{address.exchange!r}: there is no such server, or none any more"
            )
        elif not taken:
            self.statistics["nacked"] += 1
            error = MessageDeliveryFailure(
                f"the broker doesn't take the message to {address.routing_key!r}: its queue is "
                f"full, or it has trouble of its own"
            )
        else:
            self.statistics["confirmed"] += 1
        self._end(publication, error)

    def _end(self, publication: Publication, error: BaseException | None) -> None:
        self._held -= 1
        self._bytes -= len(publication.body) + _OVERHEAD
        message, outcome = publication.message, publication.outcome
        publication.message = publication.outcome = None
        # A call keeps its publication until the reply, and the bytes won't be sent again.
        publication.body = b""
        if outcome is not None:
            try:
                outcome(message, error)
            except Exception as exc:
                self.loop.call_exception_handler(
                    {"message": f"the outcome of {message!r} failed", "exception": exc}
                )
        if self._held == 0 and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def on_content(self, content: Content) -> None:
        """Takes a return."""
        for tag in range(self._return_cursor, self._next_tag):
            publication = self._unconfirmed.get(tag)
            if (
                publication is not None
                and publication.mandatory
                and publication.body == content.body
                and publication.address.routing_key == content.routing_key
            ):
                publication.returned = True
                self._return_cursor = tag + 1
                return

    # -- the channel

    async def attach(self, connection: Connection) -> Channel:
        """Opens a channel with confirms."""
        channel = await connection.channel()
        await channel.call(commands.Confirm.Select(), commands.Confirm.SelectOk)
        channel.on_confirm = self.on_confirm
        channel.on_content = self.on_content
        connection.on_writable = self.pump
        self._next_tag = self._lowest_tag = self._return_cursor = 1
        return channel

    def ready(self) -> None:
        """Goes on with what is pending."""
        self.pump()

    def detached(self, error: BaseException) -> None:
        """Makes what is unconfirmed pending again, unless the broker has closed because of it."""
        again = [self._unconfirmed[tag] for tag in sorted(self._unconfirmed)]
        self._unconfirmed.clear()
        kept = []
        for publication in again:
            publication.sent = publication.returned = False
            if isinstance(error, BrokerError):
                publication.attempts += self._blame(publication, error)
            if publication.attempts >= _ATTEMPTS:
                self._end(publication, error)
            else:
                self.statistics["resent"] += 1
                kept.append(publication)
        self._pending.extendleft(reversed(kept))

    def _blame(self, publication: Publication, error: BrokerError) -> int:
        """Returns how many attempts a message loses because the broker has closed the channel."""
        size = _TOO_LARGE.search(error.text)
        if size is not None:
            return _ATTEMPTS if int(size[1]) == len(publication.body) else 0
        if "exchange '" not in error.text:
            return 1
        if f"'{publication.address.exchange}'" not in error.text:
            return 0
        # What isn't there can be declared again; what isn't allowed stays so.
        return 1 if error.code == _NOT_FOUND else _ATTEMPTS

    async def drained(self) -> None:
        """Waits until nothing is pending or unconfirmed."""
        if self._held:
            self._idle = self.loop.create_future()
            await self._idle

    async def close(self, error: MessagingError) -> None:
        """Ends: whatever is still here has this outcome."""
        await self.leave()
        if self._declaring is not None:
            self._declaring.cancel()
            await asyncio.gather(self._declaring, return_exceptions=True)
        left = [self._unconfirmed[tag] for tag in sorted(self._unconfirmed)] + [*self._pending]
        self._unconfirmed.clear()
        self._pending.clear()
        if left:
            logger.warning("%d messages were not confirmed when the transport closed", len(left))
        for publication in left:
            self._end(publication, error)
