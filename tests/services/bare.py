"""A client and a server on a bare transport, with nothing of the core, that count everything.

What they count is what the tests of faults are about: how many replies came for each call, how many
outcomes for each message, how often each request was seen.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mainspring.messaging.messages import Failure, Notification, Request, Response, new_id
from mainspring.messaging.registry import get_transport
from mainspring.messaging.target import Target
from mainspring.messaging.transport import ConnectionEvent, Delivery, Transport

PATIENCE = 60


@asynccontextmanager
async def transport(url: str) -> AsyncIterator[Transport]:
    """Opens a transport, connected; it is closed when the block has ended."""
    made = get_transport(url)
    made.replies = Caller()
    made.start(asyncio.get_running_loop())
    try:
        async with asyncio.timeout(PATIENCE):
            await made.connected()
        yield made
    finally:
        await made.close()


class Caller:
    """Takes the replies of a transport, and counts them."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[Response]] = {}
        self.replies: Counter[str] = Counter()
        self.signs: Counter[str] = Counter()
        self.lost: list[BaseException] = []

    def on_response(self, response: Response) -> None:
        """Counts a response, and ends the wait for it."""
        if not response.ending:
            self.signs[response.msg_id] += 1
            return
        self.replies[response.msg_id] += 1
        future = self.waiting.get(response.msg_id)
        if future is not None and not future.done():
            future.set_result(response)

    def on_replies_lost(self, error: BaseException) -> None:
        """Ends all waits."""
        self.lost.append(error)


def request(topic: str, method: str, **args: Any) -> Request:
    """Returns a cast."""
    made = Request(Target(topic=topic), method, args)
    made.unique_id = new_id()
    return made


def notification(topic: str, priority: str, payload: object) -> Notification:
    """Returns a notification."""
    made = Notification(Target(topic=topic), "thing.made", "me", priority, payload)
    made.message_id, made.unique_id = str(uuid.uuid4()), new_id()
    made.timestamp = "2026-11-20 22:03:09.661344"
    return made


class Call:
    """A call through a bare transport.

    Args:
        over: the transport.
        target: where to.
        method: what.
        args: with what.
        fields: what else the request has.
    """

    def __init__(
        self,
        over: Transport,
        target: Target,
        method: str,
        args: dict[str, Any],
        **fields: Any,
    ) -> None:
        assert isinstance(over.replies, Caller)
        self.caller = over.replies
        self.request = Request(target, method, args)
        self.request.msg_id = self.request.unique_id = new_id()
        for name, value in fields.items():
            setattr(self.request, name, value)
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[BaseException | None] = loop.create_future()
        self.reply: asyncio.Future[Response] = loop.create_future()
        self.caller.waiting[self.request.msg_id] = self.reply
        over.publish(self.request, lambda _, error: self.outcome.set_result(error))

    async def response(self, seconds: float = PATIENCE) -> Response:
        """Waits for the reply."""
        async with asyncio.timeout(seconds):
            return await self.reply

    async def result(self) -> Any:
        """Waits for the reply, which must be a result."""
        response = await self.response()
        assert response.failure is None, response.failure
        return response.result

    @property
    def replies(self) -> int:
        """How many replies have come."""
        assert self.request.msg_id is not None
        return self.caller.replies[self.request.msg_id]


async def call(over: Transport, topic: str, method: str, **args: Any) -> Any:
    """Calls, and returns the result."""
    return await Call(over, Target(topic=topic), method, args).result()


async def sent(over: Transport, message: Request | Notification) -> BaseException | None:
    """Publishes, and returns the outcome."""
    outcome = asyncio.get_running_loop().create_future()
    over.publish(message, lambda _, error: outcome.set_result(error))
    async with asyncio.timeout(PATIENCE):
        return await outcome  # type: ignore[no-any-return]


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so that nobody tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


class Worker:
    """Takes what is delivered, keeps it, and answers calls; acknowledges at once.

    Args:
        over: the transport that it answers through.
        answer: makes the result of a call; what it raises becomes the failure.
    """

    def __init__(
        self, over: Transport, answer: Callable[[Request], Any] = lambda request: request.args
    ) -> None:
        self.over = over
        self.answer = answer
        self.seen: list[Any] = []
        self.deliveries: list[Delivery[Any]] = []
        self.cancelled: list[str] = []
        self.outcomes: list[BaseException | None] = []
        self.losses = 0
        self.acknowledges = True
        self.answers = True
        self._changed = asyncio.Event()

    def on_delivery(self, delivery: Delivery[Any]) -> None:
        """Takes a message."""
        self.seen.append(delivery.message)
        if self.acknowledges:
            delivery.ack()
        else:
            self.deliveries.append(delivery)
        self._changed.set()
        if self.answers and isinstance(delivery.message, Request) and delivery.message.msg_id:
            self.respond(delivery.message)

    def respond(self, request: Request) -> None:
        """Answers a call."""
        response = self.responses(request)
        try:
            response.result = self.answer(request)
        except Exception as exc:
            name, module = type(exc).__name__, type(exc).__module__
            response.failure = Failure(name, module, str(exc), exc.args, traceback=("tb\n",))
        self.over.respond(request, response, self._settle)

    def _settle(self, _: object, error: BaseException | None) -> None:
        self.outcomes.append(error)
        self._changed.set()

    @staticmethod
    def responses(request: Request) -> Response:
        """Returns a response to a call, to be filled in."""
        assert request.msg_id is not None
        return Response(request.msg_id)

    def on_cancel(self, msg_id: str) -> None:
        """Notes it."""
        self.cancelled.append(msg_id)
        self._changed.set()

    def on_connection_lost(self) -> None:
        """Counts it."""
        self.losses += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, of what changes with what is delivered here."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Events:
    """The events of a transport's connection, in order."""

    def __init__(self, over: Transport) -> None:
        self.seen: list[ConnectionEvent] = []
        self._changed = asyncio.Event()
        over.add_connection_callback(self._on_event)

    def _on_event(self, event: ConnectionEvent, error: BaseException | None) -> None:
        self.seen.append(event)
        self._changed.set()

    async def until(self, event: ConnectionEvent, count: int = 1) -> None:
        """Waits until an event has come so many times."""
        async with asyncio.timeout(PATIENCE):
            while self.seen.count(event) < count:
                self._changed.clear()
                await self._changed.wait()
