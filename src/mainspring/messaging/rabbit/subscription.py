"""`RabbitSubscription`: a receiver's queues, consumed on one channel.

A prefetch on this wire is a consumer's, and a server has three. So what a receiver holds unsettled
is counted here: what the broker sends beyond it waits, a prefetch's worth for each
queue at most.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

from mainspring.messaging.errors import MessagingError
from mainspring.messaging.messages import Notification, Request
from mainspring.messaging.rabbit.attachment import Attachment, logger
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.contents import attempt_of, body_of, read_headers
from mainspring.messaging.rabbit.envelope import MalformedMessage
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import ack_frame, commands, reject_frame
from mainspring.messaging.rabbit.streams import StreamPosition
from mainspring.messaging.rabbit.topology import CANCELS, Queue, declare_queue, delete_queue
from mainspring.messaging.rabbit.wire import decode_cancel
from mainspring.messaging.transport import Delivery, Receiver, Subscription

__all__ = ["RabbitSubscription"]

type Decode[M: (Request, Notification)] = Callable[[bytes, Content], M]
type Poisoned = Callable[[Content, MalformedMessage], None]

_LARGEST_PREFETCH = 65535
# How many calls that were given up are remembered, in case they are still in a queue.
_GIVEN_UP = 10_000
_UNKNOWN: Any = object()


class RabbitDelivery[M: (Request, Notification)](Delivery[M]):
    """A delivery; it is settled on the channel that it came on, or not at all."""

    __slots__ = ("_channel", "_subscription", "_tag", "attempt", "message", "redelivered")

    def __init__(
        self,
        subscription: "RabbitSubscription[M]",
        channel: Channel,
        content: Content,
        message: M,
    ) -> None:
        self.message = message
        self.redelivered = content.redelivered
        self.attempt = attempt_of(content)
        self._subscription: RabbitSubscription[M] | None = subscription
        self._channel = channel
        self._tag = content.delivery_tag

    def ack(self) -> None:
        """Settles the message as done."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and self._channel.error is None:
            self._channel.connection.write(ack_frame(self._channel.number, self._tag))
            subscription.settled(self._channel)

    def reject(self, requeue: bool) -> None:
        """Settles the message as not done here."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and self._channel.error is None:
            frame = reject_frame(self._channel.number, self._tag, requeue)
            self._channel.connection.write(frame)
            subscription.settled(self._channel)


class RabbitSubscription[M: (Request, Notification)](Attachment, Subscription):
    """The deliveries of some queues to one receiver.

    Parameters:
        loop: the loop.
        what: what it is, for the log.
        queues: makes the queues, anew for each connection.
        receiver: takes the deliveries.
        decode: makes messages of bodies.
        poisoned: is told of what can't be decoded.
        prefetch: how many deliveries may be unsettled.
        on_given_up: is called when a caller has given a call up.
        on_end: is called when it has ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        what: str,
        queues: Callable[[], Sequence[Queue]],
        receiver: Receiver[M],
        decode: Decode[M],
        poisoned: Poisoned,
        prefetch: int,
        on_given_up: Callable[[], None],
        on_end: Callable[["RabbitSubscription[M]"], None],
    ) -> None:
        super().__init__(loop, what)
        self._queues = queues
        self._receiver: Receiver[M] = receiver
        self._decode: Decode[M] = decode
        self._poisoned = poisoned
        self._prefetch = prefetch
        self._on_given_up = on_given_up
        self._on_end: Callable[[RabbitSubscription[M]], None] = on_end
        self._consumers: dict[str, Queue] = {}
        # A receiver has one stream at most.
        self._stream: StreamPosition | None = None
        self._tags = 0
        self._unsettled = 0
        self._held: deque[tuple[Channel, Content]] = deque()
        self._given_up: OrderedDict[str | None, None] = OrderedDict()
        self._stopped = False
        self._restoring: set[asyncio.Task[None]] = set()

    async def attach(self, connection: Connection) -> Channel:
        """Declares the queues and consumes them, in oslo.messaging's order."""
        queues = self._queues()
        for queue in queues:
            await declare_queue(connection, queue)
        channel = await connection.channel()
        channel.on_content = lambda content: self._on_content(channel, content)
        channel.on_cancelled = lambda tag: self._on_cancelled(channel, tag)
        self._consumers.clear()
        self._tags = self._unsettled = 0
        await channel.call(self._qos(), commands.Basic.QosOk)
        for queue in queues:
            await self._consume(channel, queue)
        return channel

    def _qos(self) -> commands.Basic.Qos:
        return commands.Basic.Qos(0, min(self._prefetch, _LARGEST_PREFETCH), False)

    async def _consume(self, channel: Channel, queue: Queue) -> None:
        self._tags += 1
        tag = str(self._tags)
        self._consumers[tag] = queue
        arguments = self._arguments(queue)
        await channel.call(
            commands.Basic.Consume(0, queue.name, tag, arguments=arguments),
            commands.Basic.ConsumeOk,
        )

    def _arguments(self, queue: Queue) -> dict[str, Any]:
        if not queue.stream:
            return {}
        if self._stream is None:
            self._stream = StreamPosition()
        return self._stream.arguments

    def detached(self, error: BaseException) -> None:
        """Forgets what was unsettled."""
        self._held.clear()
        self._unsettled = 0
        if self._stream is not None:
            self._stream.detached()
        self._receiver.on_connection_lost()

    # -- deliveries

    def _on_content(self, channel: Channel, content: Content) -> None:
        if content.exchange == CANCELS:
            self._on_cancel(channel, content)
        elif self._stream is not None and not self._stream.receive(content):
            channel.connection.write(ack_frame(channel.number, content.delivery_tag))
        elif self._unsettled >= self._prefetch or self._held:
            self._held.append((channel, content))
        else:
            self._deliver(channel, content)

    def _deliver(self, channel: Channel, content: Content) -> None:
        if self._stream is not None:
            self._stream.deliver(content)
        try:
            message = self._decode(body_of(content), content)
            read_headers(content, message, self.loop.time())
        except MalformedMessage as exc:
            logger.error("%s drops a message that can't be read: %s", self.what, exc)
            channel.connection.write(reject_frame(channel.number, content.delivery_tag, False))
            self._poisoned(content, exc)
            return
        if (
            self._given_up
            and isinstance(message, Request)
            and self._given_up.pop(message.msg_id, _UNKNOWN) is None
        ):
            # Its caller gave it up while it was in the queue.
            channel.connection.write(ack_frame(channel.number, content.delivery_tag))
            return
        self._unsettled += 1
        try:
            self._receiver.on_delivery(RabbitDelivery(self, channel, content, message))
        except Exception as exc:
            # Receivers don't raise. If one does, the others on this connection go on.
            self.loop.call_exception_handler(
                {"message": f"{self.what} failed on {message!r}", "exception": exc}
            )

    def settled(self, channel: Channel) -> None:
        """Counts a delivery of a channel as settled, and delivers what has waited for that."""
        self._unsettled -= 1
        if self._held and not self._stopped:
            # A receiver that settles at once must not run deeper and deeper into itself.
            self.loop.call_soon(self._deliver_held)

    def _deliver_held(self) -> None:
        while self._held and self._unsettled < self._prefetch and not self._stopped:
            channel, content = self._held.popleft()
            if channel.error is None:
                self._deliver(channel, content)

    def _on_cancel(self, channel: Channel, content: Content) -> None:
        channel.connection.write(ack_frame(channel.number, content.delivery_tag))
        try:
            cancel = decode_cancel(content.body)
        except MalformedMessage as exc:
            logger.warning("a cancellation that can't be read: %s", exc)
            return
        self._on_given_up()
        named = cancel.msg_id.encode()
        for waiting in tuple(self._held):
            if named in waiting[1].body:
                self._held.remove(waiting)
                frame = ack_frame(waiting[0].number, waiting[1].delivery_tag)
                waiting[0].connection.write(frame)
                return
        self._given_up[cancel.msg_id] = None
        if len(self._given_up) > _GIVEN_UP:
            self._given_up.popitem(last=False)
        self._receiver.on_cancel(cancel.msg_id)

    # -- consumers that end, and begin anew

    def _on_cancelled(self, channel: Channel, tag: str) -> None:
        queue = self._consumers.pop(tag, None)
        if queue is None or self._stopped:
            return
        logger.warning("%s: the queue %r was removed; it is made anew", self.what, queue.name)
        if queue.stream and self._stream is not None:
            self._stream.removed()
        task = self.loop.create_task(self._restore(channel, queue))
        self._restoring.add(task)
        task.add_done_callback(self._restoring.discard)

    async def _restore(self, channel: Channel, queue: Queue) -> None:
        try:
            await declare_queue(channel.connection, queue)
            await self._consume(channel, queue)
        except MessagingError as exc:
            self.break_off(exc)

    def set_prefetch(self, prefetch: int) -> None:
        """Bounds how many deliveries may be unsettled at once.

        The broker bounds consumers when they begin; so these begin anew.
        """
        if prefetch < 1:
            raise ValueError(f"a prefetch is 1 or more, not {prefetch}")
        if prefetch == self._prefetch:
            return
        self._prefetch = prefetch
        channel = self.channel
        if channel is not None and not self._stopped:
            channel.send_and_forget(self._qos(), commands.Basic.QosOk)
            for tag, queue in tuple(self._consumers.items()):
                del self._consumers[tag]
                channel.send(commands.Basic.Cancel(tag, nowait=True))
                self._tags += 1
                self._consumers[str(self._tags)] = queue
                arguments = self._arguments(queue)
                channel.send(
                    commands.Basic.Consume(
                        0, queue.name, str(self._tags), nowait=True, arguments=arguments
                    )
                )
        if self._held:
            self.loop.call_soon(self._deliver_held)

    # -- the end

    async def stop(self) -> None:
        """Ends the deliveries, and removes the queues that are this receiver's alone."""
        if self._stopped:
            return
        self._stopped = True
        # What is unsettled may still be answered; a new channel would only bring more.
        self.wanted = False
        channel = self.channel
        if channel is None or channel.error is not None:
            await self.leave()
            self._on_end(self)
            return
        consumers, self._consumers = self._consumers, {}
        try:
            for tag in consumers:
                await channel.call(commands.Basic.Cancel(tag), commands.Basic.CancelOk)
            for held, content in self._held:
                frame = reject_frame(held.number, content.delivery_tag, requeue=True)
                held.connection.write(frame)
            self._held.clear()
            for queue in consumers.values():
                if queue.own:
                    await delete_queue(channel.connection, queue.name)
        except MessagingError:
            # It has ended by itself.
            pass

    async def close(self) -> None:
        """Stops, and gives back what is unsettled."""
        await self.stop()
        channel = self.channel
        for task in tuple(self._restoring):
            task.cancel()
        await self.leave()
        if channel is not None:
            await channel.close()
        self.channel = None
        self._held.clear()
        self._on_end(self)
