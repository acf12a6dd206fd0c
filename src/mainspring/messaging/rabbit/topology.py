"""What is declared on the broker: exchanges, queues and bindings, as oslo.messaging has them.

Others, with the real library, declare the same objects: each flag and each argument must be theirs,
or the broker refuses. What follows from the options is pure; the functions at the end
speak to a broker.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mainspring.messaging.errors import MessagingError
from mainspring.messaging.rabbit.channel import Channel
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.errors import ChannelClosed
from mainspring.messaging.rabbit.methods import commands
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.target import Target

__all__ = [
    "CANCELS",
    "Exchange",
    "Queue",
    "Topology",
    "declare_exchange",
    "declare_queue",
    "delete_queue",
]

# Where our clients say that they have given a call up, and only our servers listen.
CANCELS = "mainspring_cancel"

_NOT_FOUND = 404
_PRECONDITION_FAILED = 406


@dataclass(frozen=True)
class Exchange:
    """An exchange; the nameless one is always there."""

    name: str
    kind: str = "topic"
    durable: bool = False
    auto_delete: bool = False


@dataclass(frozen=True)
class Queue:
    """A queue and what it is bound to.

    Attributes:
        name: its name.
        bindings: pairs of an exchange and a routing key.
        durable: it outlives the broker.
        auto_delete: it ends with its last consumer.
        arguments: what else the broker is told.
        own: it is this process's alone, and goes with it when it ends in order.
        stream: it is a stream: who reads it takes nothing from the others.
    """

    name: str
    bindings: tuple[tuple[Exchange, str], ...] = ()
    durable: bool = False
    auto_delete: bool = False
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)
    own: bool = False
    stream: bool = False


class Topology:
    """The names and flags that follow from the options."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.durable = options.amqp_durable_queues or options.rabbit_quorum_queue
        self.transient_durable = options.rabbit_transient_quorum_queue

    def be_durable(self) -> None:
        """Declares everything durable from now on: for brokers that have no transient queues."""
        self.durable = self.transient_durable = True

    def exchange(self, target: Target) -> Exchange:
        """Returns the exchange of a target's topic."""
        name = target.exchange or self.options.control_exchange
        return Exchange(name, "topic", self.durable, self.options.amqp_auto_delete)

    def fanout_exchange(self, topic: str) -> Exchange:
        """Returns the exchange that reaches every server of a topic."""
        return Exchange(f"{topic}_fanout", "fanout", self.transient_durable, auto_delete=True)

    def cancel_exchange(self) -> Exchange:
        """Returns the exchange of cancellations."""
        return Exchange(CANCELS, "direct", self.transient_durable, auto_delete=True)

    def address(self, target: Target) -> tuple[Exchange, str]:
        """Returns the exchange and the routing key of a request for a target."""
        topic = target.topic or ""
        if target.fanout:
            return self.fanout_exchange(topic), ""
        key = f"{topic}.{target.server}" if target.server else topic
        return self.exchange(target), key

    def queues_of_server(self, target: Target, identity: str) -> list[Queue]:
        """Returns what a server takes its requests from, in the order it declares them.

        Parameters:
            target: exchange, topic and server.
            identity: what makes its fanout queue its own.
        """
        topic, exchange = target.topic or "", self.exchange(target)
        cancels = self.cancel_exchange()
        queues = [self._shared(topic, ((exchange, topic),))]
        keys = [topic]
        if target.server:
            one = f"{topic}.{target.server}"
            queues.append(self._shared(one, ((exchange, one),)))
            keys.append(one)
        fanouts = ((self.fanout_exchange(topic), topic),)
        given_up = tuple((cancels, key) for key in keys) if self.options.extensions else ()
        if not self.options.rabbit_stream_fanout:
            queues.append(self._transient(f"{topic}_fanout_{identity}", fanouts + given_up))
            return queues
        queues.append(self._stream(f"{topic}_fanout", fanouts))
        if given_up:
            # Others read the stream, too, and don't know what this is.
            queues.append(self._transient(f"{topic}_cancel_{identity}", given_up))
        return queues

    def reply_queue(self, name: str) -> Queue:
        """Returns a queue for replies."""
        return self._transient(name, ())

    def notification_queue(self, target: Target, priority: str) -> Queue:
        """Returns the queue of the listeners without a pool."""
        key = f"{target.topic}.{priority}"
        return self._shared(key, ((self.exchange(target), key),))

    def queues_of_listener(
        self, bindings: Iterable[tuple[Target, str]], pool: str | None
    ) -> list[Queue]:
        """Returns what a listener takes its notifications from."""
        if pool is None:
            return [self.notification_queue(target, priority) for target, priority in bindings]
        keys = tuple(
            (self.exchange(target), f"{target.topic}.{priority}") for target, priority in bindings
        )
        return [self._shared(pool, keys)]

    def _shared(self, name: str, bindings: tuple[tuple[Exchange, str], ...]) -> Queue:
        options = self.options
        arguments = self._arguments(options.rabbit_quorum_queue)
        return Queue(name, bindings, self.durable, options.amqp_auto_delete, arguments)

    def _transient(self, name: str, bindings: tuple[tuple[Exchange, str], ...]) -> Queue:
        arguments = self._arguments(self.options.rabbit_transient_quorum_queue)
        ttl = self.options.rabbit_transient_queues_ttl
        if ttl:
            arguments["x-expires"] = ttl * 1000
        own = not self.options.use_queue_manager
        return Queue(name, bindings, self.transient_durable, False, arguments, own)

    def _stream(self, name: str, bindings: tuple[tuple[Exchange, str], ...]) -> Queue:
        arguments: dict[str, Any] = {"x-queue-type": "stream"}
        ttl = self.options.rabbit_transient_queues_ttl
        if ttl:
            arguments["x-max-age"] = f"{ttl}s"
        return Queue(name, bindings, True, False, arguments, stream=True)

    def _arguments(self, quorum: bool) -> dict[str, Any]:
        options = self.options
        arguments: dict[str, Any] = {}
        if options.rabbit_ha_queues:
            arguments["x-ha-policy"] = "all"
        if quorum:
            arguments["x-queue-type"] = "quorum"
            limits = {
                "x-delivery-limit": options.rabbit_quorum_delivery_limit,
                "x-max-in-memory-length": options.rabbit_quorum_max_memory_length,
                "x-max-in-memory-bytes": options.rabbit_quorum_max_memory_bytes,
            }
            arguments.update({name: limit for name, limit in limits.items() if limit})
        return arguments


async def declare_exchange(connection: Connection, exchange: Exchange) -> None:
    """Declares an exchange, as it is or, if others have made it transient, so.

    On a channel of its own, which an error closes.

    Raises:
        MessagingError: the broker refuses.
    """
    if not exchange.name:
        return
    while True:
        channel = await connection.channel()
        try:
            await _declare_exchange(channel, exchange)
        except ChannelClosed as exc:
            if not _is_transient(exc, "exchange", exchange.name) or not exchange.durable:
                raise
            exchange = replace(exchange, durable=False)
        else:
            await channel.close()
            return


async def declare_queue(connection: Connection, queue: Queue) -> None:
    """Declares a queue with its exchanges and bindings.

    What others have made transient is taken as it is. A queue that is there and isn't (its node
    has gone) is removed and made anew.

    Raises:
        MessagingError: the broker refuses.
    """
    removed = False
    while True:
        channel = await connection.channel()
        try:
            for exchange, _ in queue.bindings:
                await _declare_exchange(channel, exchange)
            await channel.call(
                commands.Queue.Declare(
                    0,
                    queue.name,
                    durable=queue.durable,
                    auto_delete=queue.auto_delete,
                    arguments=queue.arguments,
                ),
                commands.Queue.DeclareOk,
            )
            for exchange, key in queue.bindings:
                await channel.call(
                    commands.Queue.Bind(0, queue.name, exchange.name, key, False, {}),
                    commands.Queue.BindOk,
                )
        except ChannelClosed as exc:
            other = _as_others_have_it(queue, exc)
            if other is not None:
                queue = other
            elif exc.code == _NOT_FOUND and not removed:
                removed = True
                await delete_queue(connection, queue.name)
            else:
                raise
        else:
            await channel.close()
            return


async def delete_queue(connection: Connection, name: str) -> None:
    """Removes a queue; nothing happens if there is none."""
    try:
        channel = await connection.channel()
        await channel.call(commands.Queue.Delete(0, name), commands.Queue.DeleteOk)
        await channel.close()
    except MessagingError:
        pass


def _is_transient(exc: ChannelClosed, kind: str, name: str) -> bool:
    """Tells whether others have declared a thing as it is, only not durable."""
    return exc.code == _PRECONDITION_FAILED and f"'durable' for {kind} '{name}'" in exc.text


def _as_others_have_it(queue: Queue, exc: ChannelClosed) -> Queue | None:
    """Returns a queue with what others have made transient transient; None if that isn't it."""
    if queue.durable and _is_transient(exc, "queue", queue.name):
        return replace(queue, durable=False)
    bindings = tuple(
        (replace(e, durable=False), key)
        if e.durable and _is_transient(exc, "exchange", e.name)
        else (e, key)
        for e, key in queue.bindings
    )
    return None if bindings == queue.bindings else replace(queue, bindings=bindings)


async def _declare_exchange(channel: Channel, exchange: Exchange) -> None:
    await channel.call(
        commands.Exchange.Declare(
            0,
            exchange.name,
            exchange.kind,
            durable=exchange.durable,
            auto_delete=exchange.auto_delete,
            arguments={},
        ),
        commands.Exchange.DeclareOk,
    )
