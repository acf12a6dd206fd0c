"""`Listener`: hears of what happens, and says when it has dealt with it.

    class Billing:
        async def info(self, publisher_id, event_type, payload, metadata):
            ...

    async with Listener("memory://", [Target(topic="notifications")], [Billing()]):
        ...

An endpoint has a method for each priority that it wants to hear. A notification is settled when all
that want it have dealt with it: it comes again if the process dies before, or if one of them says
so.
"""

import asyncio
import enum
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from mainspring.messaging.context import context_variable, enter_trace
from mainspring.messaging.dedup import Recent
from mainspring.messaging.endpoint import check_endpoint
from mainspring.messaging.errors import InvalidTarget
from mainspring.messaging.filters import NotificationFilter
from mainspring.messaging.messages import Notification
from mainspring.messaging.method import Method
from mainspring.messaging.notifier import PRIORITIES
from mainspring.messaging.participant import Receiver
from mainspring.messaging.reply import Reply, reply_of
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Delivery, Subscription, Transport

__all__ = ["Listener", "NotificationResult", "hear", "matches", "metadata_of"]

logger = logging.getLogger("mainspring.messaging")


class NotificationResult(enum.Enum):
    """What an endpoint's method may return; None is HANDLED."""

    HANDLED = "handled"
    REQUEUE = "requeue"


class Listener(Receiver):
    """Hears notifications.

    Parameters:
        transport: a transport, or the URL of one, which is then this listener's own and closed with
            it.
        targets: topic and exchange of each stream.
        endpoints: objects; a method that is called as a priority (`info`, `error`, ...) is called
            with `publisher_id`, `event_type`, `payload` and `metadata` (a dict with `message_id`
            and `timestamp`), in the notifier's context. With a `filter_rule`, a
            `NotificationFilter`, only for what matches. Plain functions run in threads, as a
            server's.
        pool: listeners of one pool share what is told, and each pool hears all of it.
        allow_requeue: True lets a method return `NotificationResult.REQUEUE`: the notification is
            given back, and comes again. All endpoints hear it again.
        concurrency: how many notifications are dealt with at once; the broker keeps the rest.
        duplicate_window: of how many that are done the ids are remembered, so that none is heard
            twice.

    Raises:
        InvalidTarget: there is no target, or one without a topic.
        InvalidEndpoint: an object can't be an endpoint.
    """

    def __init__(
        self,
        transport: Transport | str,
        targets: Sequence[Target],
        endpoints: Sequence[object],
        *,
        pool: str | None = None,
        allow_requeue: bool = False,
        concurrency: int = 100,
        duplicate_window: int = 10_000,
    ) -> None:
        if not targets or not all(target.topic for target in targets):
            raise InvalidTarget("a listener needs targets with topics", list(targets))
        for endpoint in endpoints:
            check_endpoint(endpoint)
        if concurrency < 1:
            raise ValueError(f"concurrency must be 1 or more, not {concurrency!r}")
        super().__init__(transport)
        self.targets = tuple(targets)
        self.pool = pool
        self.allow_requeue = allow_requeue
        self._concurrency = concurrency
        self._methods: dict[str, list[tuple[NotificationFilter | None, Method]]] = {}
        for priority in PRIORITIES:
            methods = [
                (getattr(endpoint, "filter_rule", None), Method(priority, function))
                for endpoint in endpoints
                if callable(function := getattr(endpoint, priority, None))
            ]
            if methods:
                self._methods[priority] = methods
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Those that are being dealt with, and their copies that have come since.
        self._running: dict[str, list[Delivery[Notification]]] = {}
        self._done: Recent[None] = Recent(duplicate_window)

    def __repr__(self) -> str:
        names = ", ".join(str(target.topic) for target in self.targets)
        return f"<Listener to {names} on {self.transport.url.transport}://>"

    def start(self) -> Reply[None]:
        """Begins to hear; what it returns is done when it does."""
        return reply_of(self._calls.attach(), self._start())

    def stop(self) -> Reply[None]:
        """Hears nothing more, deals with what is in hand, and leaves; the result says when."""
        return reply_of(self._calls.attach(), self._stop())

    def on_delivery(self, delivery: Delivery[Notification]) -> None:
        """Deals with a notification; for the transport."""
        unique_id = delivery.message.unique_id
        if unique_id is not None:
            if unique_id in self._done:
                delivery.ack()
                return
            if (others := self._running.get(unique_id)) is not None:
                # Settled with the first, whose delivery the broker may have forgotten.
                others.append(delivery)
                return
            self._running[unique_id] = []
        self._take(delivery)

    def on_cancel(self, msg_id: str) -> None:
        """Notifications aren't cancelled."""

    def on_connection_lost(self) -> None:
        """What is in hand is finished; it will come again, and be known."""

    def _take(self, delivery: Delivery[Notification]) -> None:
        """Deals with a notification that wasn't seen before."""
        self._begin(self._handle(delivery))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, delivery: Delivery[Notification]) -> None:
        notification = delivery.message
        if notification.context:
            context_variable.set(notification.context)
        if notification.trace is not None:
            enter_trace(notification.trace)
        wants_it_again = False
        try:
            for filter_rule, method in self._methods.get(notification.priority, ()):
                if filter_rule is None or matches(filter_rule, notification):
                    result = await hear(
                        method,
                        notification.publisher_id,
                        notification.event_type,
                        notification.payload,
                        metadata_of(notification),
                    )
                    wants_it_again |= result is NotificationResult.REQUEUE
        except asyncio.CancelledError:
            # The loop is being shut down: another listener gets it.
            self._settle(delivery, requeue=True)
            raise
        self._end(delivery, wants_it_again)

    def _end(self, delivery: Delivery[Notification], wants_it_again: bool) -> None:
        """Settles what was dealt with, and remembers it unless it is to come again."""
        again = wants_it_again and self.allow_requeue
        self._settle(delivery, again)
        if not again and delivery.message.unique_id is not None:
            self._done.add(delivery.message.unique_id, None)

    def _settle(self, delivery: Delivery[Notification], requeue: bool) -> None:
        copies = self._running.pop(delivery.message.unique_id or "", ())
        for each in (delivery, *copies):
            if requeue:
                each.reject(requeue=True)
            else:
                each.ack()

    async def _start(self) -> None:
        if self._subscription is not None:
            return
        await self.transport.connected()
        bindings = [(target, priority) for target in self.targets for priority in self._methods]
        self._subscription = await self.transport.listen(
            bindings, self, self._concurrency, self.pool
        )

    async def _finish(self) -> None:
        """Waits until what is in hand is dealt with."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _stop(self) -> None:
        subscription = self._subscription
        self._subscription = None
        if subscription is not None:
            await subscription.stop()
            await self._finish()
            await subscription.close()
        await self._close_own()


def metadata_of(notification: Notification) -> Mapping[str, Any]:
    """Returns what endpoints are told of a notification besides."""
    return {"message_id": notification.message_id, "timestamp": notification.timestamp}


def matches(filter_rule: NotificationFilter, notification: Notification) -> bool:
    """Tells whether a notification is one that an endpoint wants."""
    return filter_rule.match(
        notification.context,
        notification.publisher_id,
        notification.event_type,
        metadata_of(notification),
        notification.payload,
    )


async def hear(method: Method, *args: Any) -> Any:
    """Calls an endpoint's method; what it raises is logged, because nobody is told."""
    try:
        if method.run == "thread":
            result = await asyncio.to_thread(method.function, *args)
        elif method.coroutine is not None:
            result = await method.coroutine(*args)
        else:
            result = method.function(*args)
    except Exception:
        logger.exception("a listener failed in %r", method.name)
        return None
    return result
