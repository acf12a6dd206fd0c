"""`Transport`: what the core asks of a way to carry messages, and what it promises in return.

The core (`Client`, `Server`, `Notifier`, `Listener`) knows fields and decides what is done when; a
transport knows one wire: names of queues, bytes, connections, reconnecting. A transport serves any
number of clients and servers of one process over as few connections as it can.

What holds for every method here:

- It is called in the thread of the transport's loop, and what it calls back is called there. It
  doesn't call back before it has returned.
- What is published while there is no connection is kept, up to a bound, and sent once there is one.
- What the broker has not confirmed when a connection breaks is sent again, with the same
  `unique_id`; those who receive drop what they have seen. A wire that keeps nothing, where another
  might receive it then, has a `ConnectionLost` as its outcome instead. A request whose deadline is
  over isn't sent.
- Nothing is lost silently: each `Outcome` is called exactly once, at the latest by `close()`; for a
  message that says `only_errors` it needn't be if all is well.
"""

import abc
import asyncio
import enum
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from mainspring.messaging.errors import TransportClosed
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.target import Target
from mainspring.messaging.url import TransportURL

__all__ = [
    "ConnectionCallback",
    "ConnectionEvent",
    "Delivery",
    "Outcome",
    "Receiver",
    "ReplyReceiver",
    "Subscription",
    "Transport",
]

# How a published message fared: None once the broker has it (is responsible for it, and has a queue
# for it if it was `mandatory`); else a `MessageUndeliverable` (nobody receives it), a
# `ConnectionLost` (not known), a `TransportBusy`, a `TransportClosed` or another
# `MessageDeliveryFailure`. The first argument is what was published, so that one bound method can
# serve all. Where the message says `only_errors` a transport may leave out the call with None.
type Outcome = Callable[[Any, BaseException | None], None]


class ConnectionEvent(enum.Enum):
    """What becomes of a transport's connection."""

    CONNECTED = "connected"
    # The broker can't be reached for now; the transport tries on.
    LOST = "lost"
    # The broker takes no more messages for now (RabbitMQ's alarms), and takes them again.
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    CLOSED = "closed"


type ConnectionCallback = Callable[[ConnectionEvent, BaseException | None], None]


class Delivery[M: (Request, Notification)](abc.ABC):
    """A message that the broker has handed over, and that is unsettled until one of three things.

    `ack()`: the broker may forget it. `reject(requeue=True)`: the broker delivers it again, here or
    elsewhere, as soon as it can. `reject(requeue=False)`: the broker drops it, or puts it where it
    keeps dead letters. Only the first counts; on a connection that has gone they do nothing,
    because then the broker has made up its own mind: it delivers again what wasn't settled.

    Attributes:
        message: the message.
        redelivered: True if it may have been delivered before.
        attempt: which delivery this is: 1 for the first. Where the broker doesn't count, 2 for
            every later.
    """

    message: M
    redelivered: bool = False
    attempt: int = 1

    @abc.abstractmethod
    def ack(self) -> None:
        """Settles the message as done."""

    @abc.abstractmethod
    def reject(self, requeue: bool) -> None:
        """Settles the message as not done here.

        Parameters:
            requeue: True for another delivery, False for none.
        """


class Receiver[M: (Request, Notification)](Protocol):
    """Who takes what is delivered to a subscription: a server or a listener.

    A message that can't be decoded isn't delivered: the transport rejects it without requeue,
    counts it, logs it, and if it can read whom to answer, answers with a failure. One that carries
    a `unique_id` already delivered may be delivered again; the receiver drops it.
    """

    def on_delivery(self, delivery: Delivery[M]) -> None:
        """Is given a message; it is settled now or later. Doesn't raise."""

    def on_cancel(self, msg_id: str) -> None:
        """Is told that the caller of a call has given it up; unknown ids are ignored."""

    def on_connection_lost(self) -> None:
        """Is told that what is unsettled can't be settled any more, and will come again."""


class ReplyReceiver(Protocol):
    """Who takes the responses that come for the calls of a transport."""

    def on_response(self, response: Response) -> None:
        """Is given a response, of any call, again perhaps, or late."""

    def on_replies_lost(self, error: BaseException) -> None:
        """Is told that the replies to all calls published so far can't come any more."""


class Subscription(abc.ABC):
    """The stream of deliveries to one receiver; the transport renews it on a new connection."""

    @abc.abstractmethod
    def set_prefetch(self, prefetch: int) -> None:
        """Bounds how many deliveries may be unsettled at once.

        Parameters:
            prefetch: from 1 on. A smaller value than before holds for what comes from now on.
        """

    @abc.abstractmethod
    async def stop(self) -> None:
        """Ends the deliveries: none comes once this has returned.

        What is unsettled can still be settled, and answered. A queue that is this receiver's alone
        is removed where the wire's rules say so (oslo.messaging removes that of a fanout, and keeps
        that of a server). Does nothing the second time.
        """

    @abc.abstractmethod
    async def close(self) -> None:
        """Stops, and gives back what is unsettled: it is delivered again, to whoever is left."""


class Transport(abc.ABC):
    """A way to carry messages between clients and servers.

    Made by `connect(url)`. It begins to work when it is started, in the loop that it belongs to
    from then on.

    Parameters:
        url: where to.

    Attributes:
        loop: the loop, or None before the start.
        replies: takes the responses; the core sets it before the first call is published.
    """

    schemes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, url: TransportURL) -> None:
        self.url = url
        self.loop: asyncio.AbstractEventLoop | None = None
        self.replies: ReplyReceiver | None = None
        self._connection_callbacks: list[ConnectionCallback] = []

    @abc.abstractmethod
    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belongs to a loop from now on, and begins to connect. Does nothing if it has begun.

        Parameters:
            loop: the loop whose thread this is.

        Raises:
            RuntimeError: it belongs to another loop.
            TransportClosed: it was closed.
        """

    @abc.abstractmethod
    async def connected(self) -> None:
        """Waits until there is a connection.

        Raises:
            MessagingError: the broker refuses for good (a wrong password, no such virtual host), or
                the transport was closed. While the broker just can't be reached, this waits on.
        """

    @abc.abstractmethod
    async def close(self) -> None:
        """Sends what is published and can be sent within a moment, and leaves.

        Each outcome that is owed is called, each subscription ends, nothing stays open. Then calls
        `_notify(ConnectionEvent.CLOSED)`. Does nothing the second time.
        """

    @abc.abstractmethod
    def publish(self, message: Request | Notification, outcome: Outcome | None = None) -> None:
        """Sends a request or a notification.

        A request's `deadline` bounds how long a broker keeps it, if the request is a call. What
        goes to a topic with several servers goes to one of them; with `target.server` to that one;
        with fanout to all. A notification goes to every pool of listeners of its topic and
        priority, and within a pool to one; where no listener has ever been, the broker keeps it, if
        it can.

        The message belongs to the transport from now on.

        Parameters:
            message: what to send.
            outcome: called once with the message and None or an error; None if nobody wants to
                know.

        Raises:
            EncodeError: a value has no form on this wire; nothing was sent.
            TransportBusy: too much waits to be sent already; nothing was sent.
            TransportClosed: it was closed, or never started.
        """

    @abc.abstractmethod
    def respond(self, request: Request, response: Response, outcome: Outcome | None = None) -> None:
        """Answers a request that was delivered by this transport.

        A caller whose queue is missing for the moment is tried again for a while, as peers expect;
        the outcome comes when it has worked, or with a `MessageUndeliverable`.

        Parameters:
            request: what is answered; its `msg_id` is not None.
            response: the answer.
            outcome: called once with the response and None or an error.

        Raises:
            EncodeError: the result or the failure has no form on this wire; nothing was sent.
            TransportBusy: too much waits to be sent already.
            TransportClosed: it was closed.
        """

    @abc.abstractmethod
    def cancel(self, request: Request) -> None:
        """Tells whoever has a published call that its caller has given it up.

        A request that wasn't sent yet isn't sent. Else this is an attempt: how the server is found
        is the wire's matter, and peers that don't know of it must not be harmed.

        Parameters:
            request: what was published.
        """

    @abc.abstractmethod
    async def serve(
        self, target: Target, receiver: Receiver[Request], prefetch: int
    ) -> Subscription:
        """Has the requests for a target delivered: to its topic, to its server, and to all.

        Returns once the broker has the queues and delivers, so that a call made then arrives.

        Parameters:
            target: exchange, topic and server.
            receiver: takes what is delivered.
            prefetch: how many may be unsettled at once, from 1 on.

        Raises:
            MessagingError: the broker refuses.
        """

    @abc.abstractmethod
    async def listen(
        self,
        bindings: Sequence[tuple[Target, str]],
        receiver: Receiver[Notification],
        prefetch: int,
        pool: str | None = None,
    ) -> Subscription:
        """Has the notifications of some topics and priorities delivered.

        Parameters:
            bindings: pairs of a target (exchange and topic) and a priority in lower case.
            receiver: takes what is delivered.
            prefetch: how many may be unsettled at once, from 1 on.
            pool: listeners of one pool share the notifications, each pool gets all; None is the
                pool of those that name none.

        Raises:
            MessagingError: the broker refuses.
        """

    def statistics(self) -> dict[str, int]:
        """Returns counts by name: what was published, returned, resent, refused, and so on."""
        return {}

    def add_connection_callback(self, callback: ConnectionCallback) -> None:
        """Has `callback(event, error)` called for each `ConnectionEvent` from now on."""
        self._connection_callbacks.append(callback)

    def remove_connection_callback(self, callback: ConnectionCallback) -> None:
        """Calls it no more.

        Raises:
            ValueError: it was never added.
        """
        self._connection_callbacks.remove(callback)

    def _belongs_to(self, loop: asyncio.AbstractEventLoop, is_closed: bool) -> bool:
        """Belongs to a loop from now on; returns False if it has before.

        Parameters:
            loop: the loop that it is started in.
            is_closed: whether it was closed.

        Raises:
            RuntimeError: it belongs to another loop.
            TransportClosed: it was closed.
        """
        if is_closed:
            raise TransportClosed("the transport was closed; make another")
        if self.loop is None:
            self.loop = loop
            return True
        if self.loop is not loop:
            raise RuntimeError(f"the transport belongs to {self.loop!r}, not to {loop!r}")
        return False

    def _notify(self, event: ConnectionEvent, error: BaseException | None = None) -> None:
        """Tells all callbacks of an event; one that raises is reported to the loop's handler."""
        for callback in tuple(self._connection_callbacks):
            try:
                callback(event, error)
            except Exception as exc:
                if self.loop is None:
                    raise
                self.loop.call_exception_handler(
                    {
                        "message": f"a connection callback failed on {event}",
                        "exception": exc,
                        "transport": self,
                    }
                )
