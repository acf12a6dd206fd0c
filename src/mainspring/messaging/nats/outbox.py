"""`Outbox`: everything that is sent goes through here, and each outcome is told once.

Core NATS confirms nothing and keeps nothing. So a call is settled by its answer, or by the server's
word that nobody listens there; any other message by the server's echo of what was sent after it.
What was sent and isn't settled when the connection breaks is lost, for all that is known here: who
sent it is told, and nothing is sent a second time, because another of several servers might get it
then. What is published while there is no connection is held, and sent once there is one.
"""

import asyncio
from collections import deque
from typing import Any, NamedTuple

from mainspring.messaging.errors import (
    ConnectionLost,
    MessageTooLarge,
    MessageUndeliverable,
    TransportBusy,
)
from mainspring.messaging.messages import Notification, Request, Response, new_id
from mainspring.messaging.nats.connection import Connection
from mainspring.messaging.nats.errors import Refused
from mainspring.messaging.nats.options import Options
from mainspring.messaging.nats.wire import renewed
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Outcome

__all__ = ["Outbox"]

type Headers = dict[str, str] | None

# What NATS adds to headers: its version, and the ends of lines.
_HEAD, _PER_HEADER = 12, 4
# How many settled calls there may be among those that wait before they are looked for.
_FEW = 1024
# What a server takes at most, until one has said so.
_USUAL_MAX_PAYLOAD = 1 << 20


class _Held(NamedTuple):
    """A message that waits for a connection."""

    subject: str
    body: bytes
    reply: str
    headers: Headers
    message: Request | Notification | Response | None
    outcome: Outcome | None
    deadline: float | None


class Outbox:
    """Sends.

    Parameters:
        loop: the loop.
        options: the bounds.
        inbox: what the subjects of answers begin with, with the dot.

    Attributes:
        connection: where to; None for nowhere yet.
        statistics: what was counted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, options: Options, inbox: str) -> None:
        self.connection: Connection | None = None
        self.statistics = dict.fromkeys(
            ("published", "responses", "unroutable", "lost", "expired", "denied"), 0
        )
        self._loop = loop
        self._options = options
        self._inbox = inbox
        self._max_payload = _USUAL_MAX_PAYLOAD
        # What waits for an answer or for the echo, by the last token of its reply's subject.
        self._sent: dict[str, tuple[Any, Outcome | None, str]] = {}
        self._sweep_at = _FEW
        # Of those, what waits for the next echo.
        self._unconfirmed: list[str] = []
        self._is_asking = False
        self._held: deque[_Held] = deque()
        self._held_bytes = 0
        # Outcomes that are told when who published has returned.
        self._told: list[tuple[Outcome, Any]] = []

    def __len__(self) -> int:
        """How many messages wait for a connection, an answer or an echo."""
        return len(self._held) + len(self._sent)

    def publish(
        self,
        subject: str,
        body: bytes,
        headers: Headers,
        message: Request | Notification,
        outcome: Outcome | None,
    ) -> None:
        """Sends a request or a notification.

        Parameters:
            subject: where to.
            body: what.
            headers: more of it, or None.
            message: what the outcome is about.
            outcome: who wants to know; None for nobody.

        Raises:
            MessageTooLarge: the server doesn't take so much at once.
            TransportBusy: too much waits to be sent already.
        """
        self._check(body, headers)
        token, reply, deadline = "", "", None
        if isinstance(message, Request):
            deadline = message.deadline
            if message.msg_id is not None:
                token = message.msg_id
                reply = self._inbox + token
            elif message.mandatory:
                # Only who could be answered is told that nobody listens.
                token = message.unique_id or new_id()
                reply = self._inbox + token
        if self.connection is None:
            self._hold(_Held(subject, body, reply, headers, message, outcome, deadline))
            return
        self.connection.publish(subject, body, reply, headers)
        self._on_sent(token, subject, message, outcome)

    def respond(
        self,
        subject: str,
        body: bytes,
        headers: Headers,
        response: Response,
        outcome: Outcome | None,
        deadline: float | None,
    ) -> None:
        """Sends an answer; parameters and errors as for `publish`.

        Parameters:
            deadline: when nobody waits for it any more; None if that isn't known.
        """
        self._check(body, headers)
        if self.connection is None:
            self._hold(_Held(subject, body, "", headers, response, outcome, deadline))
            return
        self.connection.publish(subject, body, "", headers)
        self._on_answer_sent(response, outcome)

    def send(self, subject: str, body: bytes, reply: str = "", headers: Headers = None) -> None:
        """Sends what nobody wants to know the outcome of; without a connection it is held."""
        if self.connection is None:
            self._hold(_Held(subject, body, reply, headers, None, None, None))
        else:
            self.connection.publish(subject, body, reply, headers)

    async def is_heard(self, subject: str, body: bytes, target: Target) -> bool:
        """Sends a message, and tells whether anybody listens there; True if that isn't known.

        Parameters:
            subject: where.
            body: what.
            target: whom it is for.
        """
        if self.connection is None:
            return True
        probe = Request(target, "", {})
        probe.mandatory = True
        told: asyncio.Future[BaseException | None] = self._loop.create_future()
        self.publish(subject, body, None, probe, lambda _, error: told.set_result(error))
        return not isinstance(await told, MessageUndeliverable)

    def is_sent(self, token: str) -> bool:
        """Tells whether a call was sent, and isn't settled."""
        return token in self._sent

    def settle(self, token: str, error: BaseException | None = None) -> None:
        """Settles what was sent with a token; nothing happens if nothing was, or not any more."""
        found = self._sent.pop(token, None)
        if found is not None and found[1] is not None:
            found[1](found[0], error)

    def on_no_responders(self, token: str) -> None:
        """Is told by the server that nobody listens where something was sent."""
        found = self._sent.get(token)
        if found is not None and found[0].mandatory:
            self.statistics["unroutable"] += 1
            self.settle(token, MessageUndeliverable(f"nobody serves {found[0].target}"))

    def on_denied(self, words: str) -> None:
        """Settles what was sent where we may not."""
        for token, (_, _, subject) in tuple(self._sent.items()):
            if f'publish to "{subject.lower()}"' in words:
                self.statistics["denied"] += 1
                self.settle(token, Refused(words))

    def up(self, connection: Connection) -> None:
        """Sends what was held, to a new connection."""
        self.connection = connection
        self._max_payload = connection.max_payload
        held, self._held = self._held, deque()
        self._held_bytes = 0
        now = self._loop.time()
        for each in held:
            self._send_held(connection, each, now)

    def down(self, error: BaseException) -> None:
        """Tells of all that was sent, and isn't settled, that it is lost."""
        self.connection = None
        self._unconfirmed.clear()
        self._is_asking = False
        sent, self._sent = self._sent, {}
        self.statistics["lost"] += len(sent)
        for message, outcome, _ in sent.values():
            if outcome is not None:
                outcome(message, ConnectionLost(f"it isn't known what became of it: {error}"))

    def refused(self, error: BaseException) -> None:
        """Tells of all that is held that it won't be sent."""
        held, self._held = self._held, deque()
        self._held_bytes = 0
        for each in held:
            if each.outcome is not None:
                each.outcome(each.message, error)

    def close(self, error: BaseException) -> None:
        """Tells each outcome that is owed."""
        self.connection = None
        self._tell()
        self.refused(error)
        sent, self._sent = self._sent, {}
        for message, outcome, _ in sent.values():
            if outcome is not None:
                outcome(message, error)

    def _check(self, body: bytes, headers: Headers) -> None:
        """Refuses what is too large, or too much."""
        size = len(body)
        if headers is not None:
            size += _HEAD + sum(len(n) + len(v.encode()) + _PER_HEADER for n, v in headers.items())
        if size > self._max_payload:
            raise MessageTooLarge(
                f"a message of {size} bytes can't be sent: the server takes {self._max_payload} "
                f"(its max_payload)"
            )
        if self.connection is not None and (
            self.connection.unsent + size > self._options.max_pending_bytes
        ):
            raise TransportBusy(f"{self.connection.unsent} bytes wait to be sent already")

    def _hold(self, held: _Held) -> None:
        size = self._held_bytes + len(held.body)
        if len(self._held) >= self._options.max_pending or size > self._options.max_pending_bytes:
            raise TransportBusy(
                f"{len(self._held)} messages of {self._held_bytes} bytes wait for a connection "
                f"already"
            )
        self._held.append(held)
        self._held_bytes = size

    def _send_held(self, connection: Connection, held: _Held, now: float) -> None:
        message, outcome, body = held.message, held.outcome, held.body
        over = held.deadline is not None and held.deadline <= now
        if isinstance(message, Response):
            if over:
                self.statistics["expired"] += 1
                if outcome is not None:
                    outcome(message, MessageUndeliverable("the caller has stopped waiting"))
                return
            connection.publish(held.subject, body, held.reply, held.headers)
            self._on_answer_sent(message, outcome)
            return
        if isinstance(message, Request):
            if over or message.withdrawn:
                self.statistics["expired"] += 1
                if outcome is not None:
                    outcome(message, None)
                return
            if held.deadline is not None:
                body = renewed(body, held.deadline, now)
        if len(body) > self._max_payload:
            if outcome is not None:
                outcome(message, MessageTooLarge(f"the server takes {self._max_payload} bytes"))
            return
        connection.publish(held.subject, body, held.reply, held.headers)
        if message is not None:
            self._on_sent(held.reply[len(self._inbox) :], held.subject, message, outcome)

    def _on_sent(
        self, token: str, subject: str, message: Request | Notification, outcome: Outcome | None
    ) -> None:
        self.statistics["published"] += 1
        if isinstance(message, Request) and message.msg_id is not None:
            self._sent[token] = message, outcome, subject
            if len(self._sent) > self._sweep_at:
                self._sweep()
        elif outcome is not None:
            token = token or new_id()
            self._sent[token] = message, outcome, subject
            self._unconfirmed.append(token)
            if not self._is_asking:
                self._is_asking = True
                self._loop.call_soon(self._ask)

    def _ask(self) -> None:
        """Has the server say when it has what was sent until now."""
        connection = self.connection
        tokens, self._unconfirmed = self._unconfirmed, []
        if connection is None or not tokens:
            self._is_asking = False
            return

        def confirmed() -> None:
            for token in tokens:
                self.settle(token)
            if self.connection is connection:
                self._ask()

        connection.ask(confirmed)

    def _on_answer_sent(self, response: Response, outcome: Outcome | None) -> None:
        self.statistics["responses"] += 1
        if outcome is not None and not response.only_errors:
            self._told.append((outcome, response))
            if len(self._told) == 1:
                self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        told, self._told = self._told, []
        for outcome, response in told:
            outcome(response, None)

    def _sweep(self) -> None:
        """Forgets calls whose deadline is over: their callers have been told by the core."""
        now = self._loop.time()
        for token, (message, _, _) in tuple(self._sent.items()):
            deadline = message.deadline if isinstance(message, Request) else None
            if deadline is not None and deadline < now:
                self.settle(token)
        self._sweep_at = max(_FEW, 2 * len(self._sent))
