"""`MemoryTransport`: the connection of one loop to a broker in this process.

What the broker has for it (deliveries, replies, outcomes) is posted into one inbox, from any
thread, and handed out by a callback of the loop, some at a time: other work gets its turn in
between.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, override

from mainspring.messaging.errors import (
    ConnectionLost,
    MessageUndeliverable,
    TransportBusy,
    TransportClosed,
)
from mainspring.messaging.memory.broker import Broker, Consumer
from mainspring.messaging.memory.plain import copy_mapping, copy_plain
from mainspring.messaging.messages import Failure, Notification, Request, Response
from mainspring.messaging.target import Target
from mainspring.messaging.transport import (
    ConnectionEvent,
    Outcome,
    Receiver,
    Subscription,
    Transport,
)
from mainspring.messaging.url import TransportURL

__all__ = ["MemoryTransport"]

# Items of the inbox that are handed out in one callback: some tenths of a millisecond.
BATCH = 32

# Stands for no second argument; None is one.
_ALONE: Any = object()


class MemoryTransport(Transport):
    """`memory://` and `memory://NAME`: transports of one name reach one another.

    Parameters:
        url: the broker's name is its host. `?max_length=N` bounds the queues that are made from now
            on.
    """

    schemes = ("memory",)

    def __init__(self, url: TransportURL) -> None:
        super().__init__(url)
        host = url.hosts[0].hostname if url.hosts else None
        self.broker = Broker.named(host or "")
        if "max_length" in url.query:
            self.broker.max_length = int(url.query["max_length"])
        self._inbox: deque[tuple[Callable[..., object], Any, Any]] = deque()
        self._is_scheduled = False
        self._is_closed = False
        self._is_connected = False
        self._subscriptions: dict[_Subscription, None] = {}
        # What was published and posted while the connection was lost.
        self._held: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._waiting: list[asyncio.Future[None]] = []

    @override
    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_closed:
            raise TransportClosed("the transport was closed; make another")
        if self.loop is not None and self.loop is not loop:
            raise RuntimeError(f"the transport belongs to {self.loop!r}, not to {loop!r}")
        if self.loop is None:
            self.loop = loop
            self._is_connected = True
            self._notify(ConnectionEvent.CONNECTED)

    @override
    async def connected(self) -> None:
        if self.loop is None:
            self.start(asyncio.get_running_loop())
        if self._is_closed:
            raise TransportClosed("the transport was closed; make another")
        if not self._is_connected:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    @override
    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        closed = TransportClosed("the transport was closed")
        with self.broker.lock:
            for subscription in tuple(self._subscriptions):
                subscription.leave(give_back=True)
            self._subscriptions.clear()
        for _, (*_, message, outcome) in self._held:
            if outcome is not None:
                outcome(message, closed)
        self._held.clear()
        # Outcomes that are on their way are owed; the rest finds nobody any more.
        inbox, self._inbox = self._inbox, deque()
        for function, first, second in inbox:
            if second is not _ALONE:
                function(first, second)
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(closed)
        self._notify(ConnectionEvent.CLOSED)

    @override
    def publish(self, message: Request | Notification, outcome: Outcome | None = None) -> None:
        if isinstance(message, Request):
            message.args = copy_mapping(message.args)
            message.reply_to = self
        else:
            message.payload = copy_plain(message.payload)
        if message.context:
            message.context = copy_mapping(message.context)
        if self._is_connected and not self._is_closed:
            self._send(message, outcome)
        else:
            self._hold(self._send, message, outcome)

    @override
    def respond(self, request: Request, response: Response, outcome: Outcome | None = None) -> None:
        response.result = copy_plain(response.result)
        if response.failure is not None:
            response.failure = _copy_failure(response.failure)
        if self._is_connected and not self._is_closed:
            self._answer(request, response, outcome)
        else:
            self._hold(self._answer, request, response, outcome)

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
        if not self._is_connected:
            return
        self._is_connected = False
        with self.broker.lock:
            for subscription in self._subscriptions:
                subscription.leave(give_back=True)
            deliver = [s.consumer.receiver.on_delivery for s in self._subscriptions]
            # What is still in the inbox was given back with the rest.
            self._inbox = deque(item for item in self._inbox if item[0] not in deliver)
        for subscription in tuple(self._subscriptions):
            subscription.consumer.receiver.on_connection_lost()
        self._notify(ConnectionEvent.LOST, ConnectionLost("lose_connection() was called"))

    def restore_connection(self) -> None:
        """Ends what `lose_connection()` began."""
        if self._is_connected or self._is_closed:
            return
        self._is_connected = True
        with self.broker.lock:
            for subscription in self._subscriptions:
                subscription.renew()
        while self._held:
            function, args = self._held.popleft()
            function(*args)
        if self._inbox:
            self._schedule()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()
        self._notify(ConnectionEvent.CONNECTED)

    def now(self) -> float:
        """Returns what the loop's clock shows."""
        assert self.loop is not None
        return self.loop.time()

    def post(self, function: Callable[..., object], first: Any, second: Any = _ALONE) -> None:
        """Has the loop call `function(first)` or `function(first, second)`; from any thread."""
        self._inbox.append((function, first, second))
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        assert self.loop is not None
        if asyncio._get_running_loop() is self.loop:
            self.loop.call_soon(self._hand_out)
            return
        try:
            self.loop.call_soon_threadsafe(self._hand_out)
        except RuntimeError:
            # The loop was closed, and nobody closed the transport: others get what it had.
            self._is_closed = True
            with self.broker.lock:
                for subscription in tuple(self._subscriptions):
                    subscription.leave(give_back=True)
                self._subscriptions.clear()

    def _hand_out(self) -> None:
        for _ in range(BATCH):
            inbox = self._inbox
            if not inbox or not (self._is_connected or self._is_closed):
                self._is_scheduled = False
                if inbox and self._is_connected:
                    # It came from another thread in this very moment.
                    self._schedule()
                return
            function, first, second = inbox.popleft()
            if second is _ALONE:
                function(first)
            else:
                function(first, second)
        assert self.loop is not None
        self.loop.call_soon(self._hand_out)

    def _hold(self, function: Callable[..., None], *args: Any) -> None:
        """Keeps what can't be sent for the moment."""
        if self._is_closed or self.loop is None:
            raise TransportClosed("the transport was closed, or never started")
        if len(self._held) >= self.broker.max_length:
            raise TransportBusy(f"{len(self._held)} messages wait for the connection already")
        self._held.append((function, args))

    def _send(self, message: Request | Notification, outcome: Outcome | None) -> None:
        error: BaseException | None = None
        broker = self.broker
        try:
            with broker.lock:
                if isinstance(message, Notification):
                    broker.notify(message)
                elif not message.withdrawn:
                    broker.send(message)
        except (MessageUndeliverable, TransportBusy) as exc:
            error = exc
        if outcome is not None:
            self.post(outcome, message, error)

    def _answer(self, request: Request, response: Response, outcome: Outcome | None) -> None:
        caller = request.reply_to
        error = None
        if caller._is_closed or caller.replies is None:
            error = MessageUndeliverable("the caller has gone")
        else:
            caller.post(caller.replies.on_response, response)
        if outcome is not None:
            self.post(outcome, response, error)


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
        self.consumer = Consumer(transport, receiver, prefetch)
        transport._subscriptions[self] = None
        with transport.broker.lock:
            attach(self.consumer)

    @override
    def set_prefetch(self, prefetch: int) -> None:
        with self._transport.broker.lock:
            self.consumer.prefetch = prefetch
            for queue in self.consumer.queues:
                queue.pump()

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
        self.consumer = Consumer(self._transport, old.receiver, old.prefetch)
        self._attach(self.consumer)


def _copy_failure(failure: Failure) -> Failure:
    """Returns a copy with plain data in it; raises `EncodeError` if there is something else."""
    return failure._replace(
        args=tuple(copy_plain(failure.args)),
        kwargs=copy_mapping(failure.kwargs),
        cause=None if failure.cause is None else _copy_failure(failure.cause),
        exceptions=tuple(map(_copy_failure, failure.exceptions)),
    )
