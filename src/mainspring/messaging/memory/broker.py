"""`Broker`: the queues of `memory://`, shared by all loops and threads of a process.

It behaves as a broker on a network does: a queue hands each message to one consumer that has room
for it, keeps it until that one settles it, and hands it out again if the consumer goes without; a
message that is over its time is dropped, and one that is `mandatory` and that nobody would receive
is refused.

Everything here happens under one lock. Nothing of a user is called under it: what a consumer or a
publisher is to be told is posted to its inbox, whose loop tells it.
"""

import threading
import weakref
from collections import deque

import cython
from cython.cimports.mainspring.messaging.memory.inbox import ALONE
from cython.cimports.mainspring.messaging.memory.plain import copy_mapping, copy_plain
from cython.cimports.mainspring.messaging.messages import Notification, Request

from mainspring.messaging.errors import MessageUndeliverable, TransportBusy
from mainspring.messaging.transport import Delivery

__all__ = ["Broker", "Consumer"]

# Messages that one queue holds, by default.
DEFAULT_MAX_LENGTH = cython.declare(cython.Py_ssize_t, 100_000)

brokers = cython.declare(object, weakref.WeakValueDictionary())
brokers_lock = cython.declare(object, threading.Lock())


class MemoryDelivery:
    """A message in a queue; in a consumer's hands, until it is settled. A `Delivery`."""

    def __cinit__(self):
        self.attempt = 1

    def ack(self):
        """Settles the message as done."""
        consumer: Consumer = self.consumer
        if consumer is not None:
            consumer.broker.acquire()
            try:
                consumer.settle(self)
            finally:
                consumer.broker.release()

    def reject(self, requeue):
        """Settles the message as not done here.

        Parameters:
            requeue: True for another delivery, False for none.
        """
        consumer: Consumer = self.consumer
        if consumer is not None:
            with consumer.broker.lock:
                if self.consumer is consumer:
                    if requeue:
                        self.queue.put_back(self)
                    consumer.settle(self)
                    self.queue.pump()

    def is_over(self, now):
        """Tells whether nobody waits for it any more."""
        request: Request
        if type(self.message) is not Request:
            return False
        request = cython.cast(Request, self.message)
        if request.withdrawn:
            return True
        if request.deadline is None or request.msg_id is None:
            return False
        return cython.cast(cython.double, request.deadline) <= now


Delivery.register(MemoryDelivery)


class Queue:
    """Messages in order of arrival, and those who take them in turns."""

    def __init__(self, broker, max_length, keep_newest=False):
        self.broker = broker
        self.consumers = []
        self.ready = deque()
        self.max_length = max_length
        self.keep_newest = keep_newest

    def put(self, message):
        """Takes a message in, and hands it out if somebody has room.

        Raises:
            TransportBusy: the queue is full.
        """
        delivery: MemoryDelivery = MemoryDelivery.__new__(MemoryDelivery)
        delivery.message = message
        delivery.queue = self
        if not self.ready:
            for _ in range(len(self.consumers)):
                consumer: Consumer = self.next()
                if consumer.has_room():
                    consumer.take(delivery)
                    return 0
        elif len(self.ready) >= self.max_length:
            if not self.keep_newest:
                raise TransportBusy(
                    f"a queue of memory:// holds {self.max_length} messages already"
                )
            self.ready.popleft()
            self.broker.counts["dropped"] += 1
        self.ready.append(delivery)
        return 0

    def next(self):
        """Returns the consumer whose turn it is; there is one."""
        if self.turn >= len(self.consumers):
            self.turn = 0
        self.turn += 1
        return self.consumers[self.turn - 1]

    def put_back(self, delivery):
        """Takes back what a consumer had, to be handed out next."""
        again: MemoryDelivery = MemoryDelivery.__new__(MemoryDelivery)
        again.message = fresh(delivery.message)
        again.queue = self
        again.attempt = delivery.attempt + 1
        again.redelivered = True
        self.ready.appendleft(again)
        self.broker.counts["redelivered"] += 1
        return 0

    def pump(self):
        """Hands out what can be."""
        idle: cython.Py_ssize_t = 0
        while self.ready and idle < len(self.consumers):
            consumer: Consumer = self.next()
            if consumer.has_room() and self.feed(consumer):
                idle = 0
            else:
                idle += 1
        return 0

    def feed(self, consumer):
        """Hands one message to a consumer that has room; returns False if there is none."""
        now: cython.double = consumer.inbox.loop.time()
        while self.ready:
            delivery: MemoryDelivery = self.ready.popleft()
            if delivery.is_over(now):
                self.broker.counts["expired"] += 1
                continue
            consumer.take(delivery)
            return True
        return False

    def remove(self, consumer):
        """Has a consumer take nothing more."""
        self.consumers.remove(consumer)
        return 0


class Consumer:
    """The broker's side of a subscription: what it has handed out to it.

    Parameters:
        broker: the broker.
        inbox: where deliveries are posted.
        receiver: takes them.
        prefetch: how many it takes before it has settled some.
    """

    def __init__(self, broker, inbox, receiver, prefetch):
        self.broker = broker
        self.inbox = inbox
        self.receiver = receiver
        self.on_delivery = receiver.on_delivery
        self.prefetch = prefetch
        self.queues = []
        # A dict keeps the order in which they were handed out.
        self.unsettled = {}

    def has_room(self):
        """Tells whether it takes one more."""
        return len(self.unsettled) < self.prefetch

    def take(self, delivery):
        """Has a message delivered."""
        delivery.consumer = self
        self.unsettled[delivery] = None
        self.inbox.post(self.on_delivery, delivery, ALONE)
        return 0

    def settle(self, delivery):
        """Makes room for the next, if the message was in its hands."""
        queue: Queue
        delivery.consumer = None
        if self.unsettled.pop(delivery, self) is self:
            return 0
        for queue in self.queues:
            if queue.ready and self.has_room():
                queue.feed(self)
        return 0

    def attach(self, queue):
        """Consumes a queue too."""
        self.queues.append(queue)
        queue.consumers.append(self)
        queue.pump()
        return 0

    def detach(self):
        """Consumes nothing more; what is unsettled stays so."""
        queue: Queue
        for queue in self.queues:
            queue.remove(self)
        self.queues.clear()
        return 0

    def set_prefetch(self, prefetch):
        """Takes so many from now on."""
        queue: Queue
        self.prefetch = prefetch
        for queue in self.queues:
            queue.pump()

    def give_back(self):
        """Returns all that is unsettled to the queues it came from, in its old order."""
        delivery: MemoryDelivery
        queue: Queue
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
        max_length: how many messages a queue holds that is made from now on.
    """

    def __init__(self):
        # Reentrant: a transport whose loop was closed is found out while something is posted to it.
        self.lock = threading.RLock()
        self.acquire = self.lock.acquire
        self.release = self.lock.release
        self.counts = dict.fromkeys(("expired", "redelivered", "dropped", "unroutable"), 0)
        self.max_length = DEFAULT_MAX_LENGTH
        self.queues = {}
        # The queue of each consumer of a topic.
        self.fanouts = {}
        # The queues of each topic and priority of notifications, by pool.
        self.pools = {}

    @staticmethod
    def named(name):
        """Returns the process's broker of a name; it lives as long as a transport of it does."""
        with brokers_lock:
            broker = brokers.get(name)
            if broker is None:
                broker = brokers[name] = Broker()
            return broker

    def send(self, request):
        """Routes a request.

        Raises:
            MessageUndeliverable: it is mandatory, and nobody would receive it.
            TransportBusy: the queue is full.
        """
        queue: Queue
        number: cython.Py_ssize_t
        target = request.target
        if target.fanout:
            queues: dict = self.fanouts.get((target.exchange, target.topic), {})
            if request.mandatory and not queues:
                self.refuse(request)
            for number, queue in enumerate(queues.values()):
                queue.put(request if number == 0 else fresh(request))
            return 0
        queue = self.queue_of(target)
        if queue is None or (request.mandatory and not queue.consumers):
            if request.mandatory:
                self.refuse(request)
            self.counts["unroutable"] += 1
            return 0
        queue.put(request)
        return 0

    def queue_of(self, target):
        """Returns the queue that a target that is no fanout names, or None."""
        server = target.server
        if server is None:
            return self.queues.get((target.exchange, target.topic))
        return self.queues.get((target.exchange, target.topic, server))

    def notify(self, notification):
        """Routes a notification: to each pool; where there is none, it is kept."""
        queue: Queue
        number: cython.Py_ssize_t
        target = notification.target
        key = (target.exchange, target.topic, notification.priority)
        for number, queue in enumerate(list(self.pools_of(key).values())):
            queue.put(notification if number == 0 else fresh(notification))
        return 0

    def cancel(self, request):
        """Tells those who may have a request that its caller has given it up."""
        consumer: Consumer
        request.withdrawn = True
        queue: Queue = self.queue_of(request.target)
        if queue is not None and request.msg_id is not None:
            for consumer in queue.consumers:
                consumer.inbox.post(consumer.receiver.on_cancel, request.msg_id, ALONE)

    def serve(self, consumer, exchange, topic, server):
        """Has a consumer take the requests of a topic, of one server, and of all."""
        own: Queue = Queue(self, self.max_length)
        self.fanouts.setdefault((exchange, topic), {})[consumer] = own
        for key in ((exchange, topic), (exchange, topic, server)):
            if key not in self.queues:
                self.queues[key] = Queue(self, self.max_length)
            consumer.attach(self.queues[key])
        consumer.attach(own)

    def listen(self, consumer, keys, pool):
        """Has a consumer take the notifications of some topics and priorities."""
        for key in keys:
            pools = self.pools_of(key) if pool is None else self.pools.setdefault(key, {})
            if pool not in pools:
                pools[pool] = Queue(self, self.max_length, keep_newest=True)
            consumer.attach(pools[pool])

    def leave(self, consumer):
        """Lets a consumer go: it gets nothing more."""
        consumer.detach()
        for key, queues in list(self.fanouts.items()):
            queues.pop(consumer, None)
            if not queues:
                del self.fanouts[key]

    def pools_of(self, key):
        """Returns the queues of a topic and priority; there is one at least."""
        pools = self.pools.setdefault(key, {})
        if not pools:
            pools[None] = Queue(self, self.max_length, keep_newest=True)
        return pools

    def refuse(self, request):
        self.counts["unroutable"] += 1
        raise MessageUndeliverable(f"nobody serves {request.target}")


def fresh(message):
    """Returns a copy, for another to receive: the first may have changed its arguments."""
    request: Request
    notification: Notification
    if isinstance(message, Request):
        request = cython.cast(Request, message).copy()
        request.args = copy_mapping(request.args)
        return request
    notification = cython.cast(Notification, message).copy()
    notification.payload = copy_plain(notification.payload)
    return notification
