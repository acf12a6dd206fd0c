"""`Broker`: the queues of `memory://`, shared by all loops and threads of a process.

It behaves as a broker on a network does: a queue hands each message to one consumer that has room
for it, keeps it until that one settles it, and hands it out again if the consumer goes without; a
message that is over its time is dropped, and one that is `mandatory` and that nobody would receive
is refused.

Everything here happens under one lock. Nothing of a user is called under it: what a consumer or a
publisher is to be told is posted to its transport, whose loop tells it.
"""

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, override

from mainspring.messaging.errors import MessageUndeliverable, TransportBusy
from mainspring.messaging.memory.plain import copy_mapping, copy_plain
from mainspring.messaging.messages import Notification, Request
from mainspring.messaging.transport import Delivery, Receiver

if TYPE_CHECKING:
    from mainspring.messaging.memory.transport import MemoryTransport

__all__ = ["Broker", "Consumer", "MemoryDelivery", "Queue"]

# Messages that one queue holds, by default.
DEFAULT_MAX_LENGTH = 100_000

type Key = tuple[str | None, ...]


class MemoryDelivery(Delivery[Any]):
    """A message in a queue; in a consumer's hands, until it is settled."""

    consumer: "Consumer | None" = None

    def __init__(self, message: Request | Notification, queue: "Queue") -> None:
        self.message = message
        self.queue = queue

    @override
    def ack(self) -> None:
        consumer = self.consumer
        if consumer is not None:
            with consumer.broker.lock:
                consumer.settle(self)

    @override
    def reject(self, requeue: bool) -> None:
        consumer = self.consumer
        if consumer is not None:
            with consumer.broker.lock:
                if self.consumer is consumer:
                    if requeue:
                        self.queue.put_back(self)
                    consumer.settle(self)
                    self.queue.pump()

    def is_over(self, now: float) -> bool:
        """Tells whether nobody waits for it any more."""
        message = self.message
        if not isinstance(message, Request):
            return False
        if message.withdrawn:
            return True
        deadline = message.deadline
        return deadline is not None and message.msg_id is not None and deadline <= now


class Queue:
    """Messages in order of arrival, and those who take them in turns."""

    def __init__(self, broker: "Broker", max_length: int, keep_newest: bool = False) -> None:
        self.broker = broker
        self.consumers: deque[Consumer] = deque()
        self._ready: deque[MemoryDelivery] = deque()
        self._max_length = max_length
        self._keep_newest = keep_newest

    def __len__(self) -> int:
        return len(self._ready)

    def put(self, message: Request | Notification) -> None:
        """Takes a message in, and hands it out if somebody has room.

        Raises:
            TransportBusy: the queue is full.
        """
        delivery = MemoryDelivery(message, self)
        ready = self._ready
        if not ready:
            consumers = self.consumers
            for _ in range(len(consumers)):
                consumer = consumers[0]
                if len(consumers) > 1:
                    consumers.rotate(-1)
                if consumer.has_room():
                    consumer.take(delivery)
                    return
        elif len(ready) >= self._max_length:
            if not self._keep_newest:
                raise TransportBusy(
                    f"a queue of memory:// holds {self._max_length} messages already"
                )
            ready.popleft()
            self.broker.counts["dropped"] += 1
        ready.append(delivery)

    def put_back(self, delivery: MemoryDelivery) -> None:
        """Takes back what a consumer had, to be handed out next."""
        again = MemoryDelivery(_fresh(delivery.message), self)
        again.attempt = delivery.attempt + 1
        again.redelivered = True
        self._ready.appendleft(again)
        self.broker.counts["redelivered"] += 1

    def pump(self) -> None:
        """Hands out what can be."""
        idle = 0
        while self._ready and idle < len(self.consumers):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.has_room() and self.feed(consumer):
                idle = 0
            else:
                idle += 1

    def feed(self, consumer: "Consumer") -> bool:
        """Hands one message to a consumer that has room; returns False if there is none."""
        ready = self._ready
        now = consumer.transport.now()
        while ready:
            delivery = ready.popleft()
            if delivery.is_over(now):
                self.broker.counts["expired"] += 1
                continue
            consumer.take(delivery)
            return True
        return False


class Consumer:
    """The broker's side of a subscription: what it has handed out to it."""

    def __init__(
        self, transport: "MemoryTransport", receiver: Receiver[Any], prefetch: int
    ) -> None:
        self.transport = transport
        self.broker = transport.broker
        self.receiver = receiver
        self.prefetch = prefetch
        self.queues: list[Queue] = []
        # A dict keeps the order in which they were handed out.
        self.unsettled: dict[MemoryDelivery, None] = {}

    def has_room(self) -> bool:
        """Tells whether it takes one more."""
        return len(self.unsettled) < self.prefetch

    def take(self, delivery: MemoryDelivery) -> None:
        """Has a message delivered."""
        delivery.consumer = self
        self.unsettled[delivery] = None
        self.transport.post(self.receiver.on_delivery, delivery)

    def settle(self, delivery: MemoryDelivery) -> None:
        """Makes room for the next, if the message was in its hands."""
        delivery.consumer = None
        if self.unsettled.pop(delivery, self) is self:
            return
        for queue in self.queues:
            if queue._ready and self.has_room():
                queue.feed(self)

    def attach(self, queue: Queue) -> None:
        """Consumes a queue too."""
        self.queues.append(queue)
        queue.consumers.append(self)
        queue.pump()

    def detach(self) -> None:
        """Consumes nothing more; what is unsettled stays so."""
        for queue in self.queues:
            queue.consumers.remove(self)
        self.queues.clear()

    def give_back(self) -> None:
        """Returns all that is unsettled to the queues it came from, in its old order."""
        deliveries = list(self.unsettled)
        self.unsettled.clear()
        for delivery in reversed(deliveries):
            delivery.consumer = None
            delivery.queue.put_back(delivery)
        for queue in {delivery.queue: None for delivery in deliveries}:
            queue.pump()


class Broker:
    """All queues under one name.

    Attributes:
        lock: held by whoever reads or changes anything of it.
        counts: what became of messages, by name.
    """

    _brokers: ClassVar["weakref.WeakValueDictionary[str, Broker]"] = weakref.WeakValueDictionary()
    _brokers_lock = threading.Lock()

    def __init__(self) -> None:
        # Reentrant: a transport whose loop was closed is found out while something is posted to it.
        self.lock = threading.RLock()
        self.counts = dict.fromkeys(("expired", "redelivered", "dropped", "unroutable"), 0)
        self.max_length = DEFAULT_MAX_LENGTH
        self._queues: dict[Key, Queue] = {}
        self._fanouts: dict[Key, dict[Consumer, Queue]] = {}
        # The queues of each topic and priority of notifications, by pool.
        self._pools: dict[Key, dict[str | None, Queue]] = {}

    @classmethod
    def named(cls, name: str) -> "Broker":
        """Returns the process's broker of a name; it lives as long as a transport of it does."""
        with cls._brokers_lock:
            broker = cls._brokers.get(name)
            if broker is None:
                broker = cls._brokers[name] = cls()
            return broker

    def send(self, request: Request) -> None:
        """Routes a request.

        Raises:
            MessageUndeliverable: it is mandatory, and nobody would receive it.
            TransportBusy: the queue is full.
        """
        target = request.target
        if target.fanout:
            queues = self._fanouts.get((target.exchange, target.topic), {})
            if request.mandatory and not queues:
                self._refuse(request)
            for number, queue in enumerate(queues.values()):
                queue.put(request if number == 0 else _fresh(request))
            return
        if target.server is None:
            queue_of_topic = self._queues.get((target.exchange, target.topic))
        else:
            queue_of_topic = self._queues.get((target.exchange, target.topic, target.server))
        if queue_of_topic is None or (request.mandatory and not queue_of_topic.consumers):
            if request.mandatory:
                self._refuse(request)
            self.counts["unroutable"] += 1
            return
        queue_of_topic.put(request)

    def notify(self, notification: Notification) -> None:
        """Routes a notification: to each pool; where there is none, it is kept."""
        target = notification.target
        key = (target.exchange, target.topic, notification.priority)
        for number, queue in enumerate(list(self._pools_of(key).values())):
            queue.put(notification if number == 0 else _fresh(notification))

    def cancel(self, request: Request) -> None:
        """Tells those who may have a request that its caller has given it up."""
        request.withdrawn = True
        target = request.target
        key: Key = (target.exchange, target.topic)
        if target.server is not None:
            key = (*key, target.server)
        queue = self._queues.get(key)
        if queue is not None and request.msg_id is not None:
            for consumer in queue.consumers:
                consumer.transport.post(consumer.receiver.on_cancel, request.msg_id)

    def serve(
        self, consumer: Consumer, exchange: str | None, topic: str | None, server: str
    ) -> None:
        """Has a consumer take the requests of a topic, of one server, and of all."""
        own = Queue(self, self.max_length)
        self._fanouts.setdefault((exchange, topic), {})[consumer] = own
        for key in ((exchange, topic), (exchange, topic, server)):
            consumer.attach(self._queues.setdefault(key, Queue(self, self.max_length)))
        consumer.attach(own)

    def listen(self, consumer: Consumer, keys: list[Key], pool: str | None) -> None:
        """Has a consumer take the notifications of some topics and priorities."""
        for key in keys:
            pools = self._pools_of(key) if pool is None else self._pools.setdefault(key, {})
            if pool not in pools:
                pools[pool] = Queue(self, self.max_length, keep_newest=True)
            consumer.attach(pools[pool])

    def leave(self, consumer: Consumer) -> None:
        """Lets a consumer go: it gets nothing more."""
        consumer.detach()
        for key, queues in list(self._fanouts.items()):
            queues.pop(consumer, None)
            if not queues:
                del self._fanouts[key]

    def _pools_of(self, key: Key) -> dict[str | None, Queue]:
        """Returns the queues of a topic and priority; there is one at least."""
        pools = self._pools.setdefault(key, {})
        if not pools:
            pools[None] = Queue(self, self.max_length, keep_newest=True)
        return pools

    def _refuse(self, request: Request) -> None:
        self.counts["unroutable"] += 1
        raise MessageUndeliverable(f"nobody serves {request.target}")


def _fresh[M: (Request, Notification)](message: M) -> M:
    """Returns a copy, for another to receive: the first may have changed its arguments."""
    copy = object.__new__(type(message))
    copy.__dict__.update(message.__dict__)
    if isinstance(copy, Request):
        copy.args = copy_mapping(copy.args)
    else:
        copy.payload = copy_plain(copy.payload)
    return copy
