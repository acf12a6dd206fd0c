"""A transport that does nothing by itself: each step of a message is taken when the test says so.

Between publisher and consumer there is a broker, as on a network: what was published waits to be
accepted or returned; what was accepted waits to be delivered, and is delivered again if the
consumer's connection breaks before it is settled; an answer waits to be accepted, and then to be
delivered.
"""

from collections.abc import Sequence
from typing import Any, override

from mainspring.messaging.errors import (
    ConnectionLost,
    MessageDeliveryFailure,
    MessageUndeliverable,
)
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.target import Target
from mainspring.messaging.transport import (
    Delivery,
    Outcome,
    Receiver,
    Subscription,
    Transport,
)
from mainspring.messaging.url import TransportURL


class WireDelivery(Delivery[Request]):
    """A request that the broker has, and may have handed out."""

    def __init__(self, wire: "Wire", message: Request, attempt: int = 1) -> None:
        self.wire = wire
        self.message = message
        self.attempt = attempt
        self.redelivered = attempt > 1

    @override
    def ack(self) -> None:
        if self in self.wire.unsettled:
            self.wire.unsettled.remove(self)
            self.wire.acknowledged.append(self.message.unique_id)

    @override
    def reject(self, requeue: bool) -> None:
        if self in self.wire.unsettled:
            self.wire.unsettled.remove(self)
            if requeue:
                self.wire.requeue(self)


class WireSubscription(Subscription):
    """Everything, without a bound."""

    @override
    def set_prefetch(self, prefetch: int) -> None:
        """Has no bound to change."""

    @override
    async def stop(self) -> None:
        """Delivers when the test says so anyway."""

    @override
    async def close(self) -> None:
        """As `stop`."""


class Wire(Transport):
    """One client's and one server's connection to a broker."""

    def __init__(self) -> None:
        super().__init__(TransportURL("wire"))
        self.receiver: Receiver[Request] | None = None
        self.published: list[tuple[Request, Outcome | None]] = []
        self.queue: list[WireDelivery] = []
        self.unsettled: list[WireDelivery] = []
        self.acknowledged: list[str | None] = []
        self.answers: list[tuple[Response, Outcome | None]] = []
        self.replies_on_their_way: list[Response] = []
        self.cancelled: list[str] = []

    @override
    def start(self, loop: Any) -> None:
        self.loop = loop

    @override
    async def connected(self) -> None:
        """Is so from the beginning."""

    @override
    async def close(self) -> None:
        """Has nothing to end."""

    @override
    def publish(self, message: Any, outcome: Outcome | None = None) -> None:
        self.published.append((message, outcome))

    @override
    def respond(self, request: Request, response: Response, outcome: Outcome | None = None) -> None:
        self.answers.append((response, outcome))

    @override
    def cancel(self, request: Request) -> None:
        assert request.msg_id is not None
        self.cancelled.append(request.msg_id)

    @override
    async def serve(
        self, target: Target, receiver: Receiver[Request], prefetch: int
    ) -> Subscription:
        self.receiver = receiver
        return WireSubscription()

    @override
    async def listen(
        self,
        bindings: Sequence[tuple[Target, str]],
        receiver: Receiver[Notification],
        prefetch: int,
        pool: str | None = None,
    ) -> Subscription:
        raise NotImplementedError("nothing is notified here")

    def requeue(self, delivery: WireDelivery) -> None:
        """Has a request delivered once more."""
        self.queue.insert(0, WireDelivery(self, delivery.message, delivery.attempt + 1))

    def accept(self, number: int) -> None:
        """The broker takes what was published."""
        message, outcome = self.published.pop(number)
        self.queue.append(WireDelivery(self, message))
        if outcome is not None:
            outcome(message, None)

    def accept_without_saying_so(self, number: int) -> None:
        """The broker takes it, but the confirmation is lost, and so it is sent again."""
        message, _ = self.published[number]
        self.queue.append(WireDelivery(self, message))

    def return_(self, number: int) -> None:
        """The broker knows nobody who would receive it."""
        message, outcome = self.published.pop(number)
        if outcome is not None:
            outcome(message, MessageUndeliverable("nobody"))

    def deliver(self, number: int) -> None:
        """The server is handed a request."""
        delivery = self.queue.pop(number)
        self.unsettled.append(delivery)
        assert self.receiver is not None
        self.receiver.on_delivery(delivery)

    def deliver_cancel(self) -> None:
        """The server is told that a caller has gone."""
        assert self.receiver is not None
        self.receiver.on_cancel(self.cancelled.pop(0))

    def break_the_servers_connection(self) -> None:
        """What isn't settled goes back, what was answered and not accepted is lost."""
        unsettled, self.unsettled = self.unsettled, []
        answers, self.answers = self.answers, []
        for delivery in reversed(unsettled):
            self.requeue(delivery)
        assert self.receiver is not None
        self.receiver.on_connection_lost()
        for response, outcome in answers:
            if outcome is not None:
                outcome(response, ConnectionLost("broken"))

    def accept_answer(self, number: int) -> None:
        """The broker takes an answer."""
        response, outcome = self.answers.pop(number)
        self.replies_on_their_way.append(response)
        if outcome is not None:
            outcome(response, None)

    def refuse_answer(self, number: int) -> None:
        """The broker doesn't take an answer, though the connection holds."""
        response, outcome = self.answers.pop(number)
        if outcome is not None:
            outcome(response, MessageDeliveryFailure("refused"))

    def deliver_reply(self, number: int, keep: bool = False) -> str:
        """The client is handed an answer; with `keep` it comes again. Returns the call's id."""
        response = self.replies_on_their_way[number]
        if not keep:
            del self.replies_on_their_way[number]
        assert self.replies is not None
        self.replies.on_response(response)
        return response.msg_id
