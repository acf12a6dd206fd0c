"""`ServerSubscription` and `ListenerSubscription`: what is done with what comes to each.

Whatever comes to a server with a place for an answer is answered: what can't be read and what there
is no place for, with a failure.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from functools import partial

from mainspring.messaging.errors import MessageUndeliverable, MessagingError, ServerBusy
from mainspring.messaging.failures import failure_of
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.nats.connection import logger
from mainspring.messaging.nats.errors import MalformedMessage
from mainspring.messaging.nats.outbox import Outbox
from mainspring.messaging.nats.reader import Msg
from mainspring.messaging.nats.subjects import SERVERS, Subjects, pool_group
from mainspring.messaging.nats.subscription import NatsDelivery, NatsSubscription, Stream
from mainspring.messaging.nats.wire import (
    TargetsOf,
    decode_cancel,
    decode_notification,
    decode_request,
    encode_cancel,
    encode_notification,
    encode_request,
    encode_response,
    headers_of,
)
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Receiver

__all__ = ["ListenerSubscription", "ServerSubscription"]


class ServerSubscription(NatsSubscription[Request]):
    """The requests for a topic, for one server, and for all; and what is given up of them.

    Parameters:
        target: exchange, topic and server.
        subjects: those of the transport.
        settings: as for `NatsSubscription`.
    """

    def __init__(
        self,
        target: Target,
        subjects: Subjects,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        receiver: Receiver[Request],
        prefetch: int,
        max_waiting: int,
        counts: dict[str, int],
        on_end: Callable[[NatsSubscription[Request]], None],
    ) -> None:
        what = f"the server of {target}"
        super().__init__(loop, outbox, what, receiver, prefetch, max_waiting, counts, on_end)
        self._targets = TargetsOf(target)
        self._numbers = itertools.count()
        any_server = target(server=None)
        topic, server = subjects.request(any_server), subjects.request(target)
        fanout = subjects.request(target(server=None, fanout=True))
        cancel = self._on_cancel
        # Where it is heard whether others serve the same; and those where nobody does.
        self._target = target
        self._heard_at = {
            topic: subjects.cancellations(any_server),
            server: subjects.cancellations(target),
        }
        self._deserted: set[str] = set()
        self._streams = [
            Stream(topic, SERVERS, partial(self._on_request, topic)),
            Stream(server, SERVERS, partial(self._on_request, server)),
            Stream(fanout, "", partial(self._on_request, None)),
            Stream(subjects.cancellations(any_server), "", cancel),
            Stream(subjects.cancellations(target), "", cancel),
        ]

    def streams(self) -> Sequence[Stream]:
        """Returns the subjects that it takes messages of."""
        return self._streams

    def give_back(self, delivery: NatsDelivery[Request]) -> None:
        """Has a request delivered to another server; if there is none, its caller is told so."""
        request = delivery.message
        if delivery.origin is None:
            # A fanout: the others have it.
            self.counts["dropped"] += 1
            return
        if delivery.origin in self._deserted:
            # The server tells only who publishes; and that would be us.
            if request.msg_id is not None:
                error = MessageUndeliverable(f"nobody serves {request.target} any more")
                self._answer(request.reply_to, error)
            return
        self.counts["given_back"] += 1
        body = encode_request(request, self._loop.time(), delivery.attempt + 1)
        try:
            self._outbox.send(delivery.origin, body, request.reply_to or "", headers_of(request))
        except MessagingError as exc:
            self.counts["dropped"] += 1
            logger.error("%s could not give %r back: %s", self.what, request, exc)

    async def look_for_others(self) -> None:
        """Finds out whether others serve the topic, and the same name."""
        for subject, heard_at in self._heard_at.items():
            if not await self._outbox.is_heard(heard_at, encode_cancel(""), self._target):
                self._deserted.add(subject)

    def refuse(self, message: Request) -> None:
        """Tells the caller that there is no place."""
        if message.msg_id is not None:
            self._answer(
                message.reply_to,
                ServerBusy(
                    f"the server holds as many calls as it may, with {self._max_waiting} that wait"
                ),
            )

    def _on_request(self, origin: str | None, msg: Msg) -> None:
        try:
            request, attempt = decode_request(
                msg.data, msg.headers, msg.reply, self._targets, self._loop.time()
            )
        except MalformedMessage as exc:
            self.counts["poisoned"] += 1
            logger.error("%s drops a message that can't be read: %s", self.what, exc)
            if msg.reply:
                self._answer(msg.reply, exc)
            return
        delivery = NatsDelivery(self, request, attempt, origin)
        self.take(request.msg_id or next(self._numbers), delivery)

    def _on_cancel(self, msg: Msg) -> None:
        try:
            msg_id = decode_cancel(msg.data)
        except MalformedMessage as exc:
            logger.warning("a cancellation that can't be read: %s", exc)
            return
        self.counts["given_up"] += 1
        if not self.drop(msg_id):
            self._receiver.on_cancel(msg_id)

    def _answer(self, reply: str, error: Exception) -> None:
        response = Response("")
        response.failure = failure_of(error)
        try:
            self._outbox.send(reply, encode_response(response))
        except MessagingError as exc:
            logger.warning("a caller isn't told of its failure: %s", exc)


class ListenerSubscription(NatsSubscription[Notification]):
    """The notifications of some topics and priorities.

    Parameters:
        bindings: pairs of a target and a priority.
        pool: those of one pool share.
        subjects: those of the transport.
        settings: as for `NatsSubscription`.
    """

    def __init__(
        self,
        bindings: Sequence[tuple[Target, str]],
        pool: str | None,
        subjects: Subjects,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        receiver: Receiver[Notification],
        prefetch: int,
        max_waiting: int,
        counts: dict[str, int],
        on_end: Callable[[NatsSubscription[Notification]], None],
    ) -> None:
        names = ", ".join(f"{target.topic}.{priority}" for target, priority in bindings)
        what = f"the listener of {names}"
        super().__init__(loop, outbox, what, receiver, prefetch, max_waiting, counts, on_end)
        self._numbers = itertools.count()
        group = pool_group(pool)
        self._streams: list[Stream] = []
        for target, priority in bindings:
            # What one of the pool gives back is for the pool alone.
            again = subjects.given_back(target, priority, pool)
            receive = partial(self._on_notification, target, priority, again)
            first = subjects.notification(target, priority)
            self._streams += [Stream(subject, group, receive) for subject in (first, again)]

    def streams(self) -> Sequence[Stream]:
        """Returns the subjects that it takes messages of."""
        return self._streams

    def give_back(self, delivery: NatsDelivery[Notification]) -> None:
        """Has a notification delivered to another of the pool, or here; without one it is lost."""
        notification = delivery.message
        assert delivery.origin is not None
        self.counts["given_back"] += 1
        body = encode_notification(notification, delivery.attempt + 1)
        try:
            self._outbox.send(delivery.origin, body, headers=headers_of(notification))
        except MessagingError as exc:
            self.counts["dropped"] += 1
            logger.error("%s could not give %r back: %s", self.what, notification, exc)

    def refuse(self, message: Notification) -> None:
        """Drops it: nobody waits for an answer."""

    def _on_notification(self, target: Target, priority: str, again: str, msg: Msg) -> None:
        try:
            made, attempt = decode_notification(msg.data, msg.headers, target, priority)
        except MalformedMessage as exc:
            self.counts["poisoned"] += 1
            logger.error("%s drops a message that can't be read: %s", self.what, exc)
            return
        self.take(next(self._numbers), NatsDelivery(self, made, attempt, again))
