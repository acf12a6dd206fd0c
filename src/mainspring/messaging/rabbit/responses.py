"""`Responder`: sends answers, and keeps those whose caller's queue is missing for the moment.

A caller that has lost its connection declares its queue again when it is back, so what the broker
returns is tried again: one answer of each missing queue every 0.25 s, and the others once that one
has arrived. After a while the queue counts as gone, and what comes for it is not tried for as
long again. A caller that has stopped waiting is not waited for.
"""

import asyncio
from collections import OrderedDict, deque

from mainspring.messaging.errors import MessageUndeliverable, MessagingError
from mainspring.messaging.messages import Request, Response
from mainspring.messaging.rabbit.attachment import logger
from mainspring.messaging.rabbit.publisher import Address, Publication, Publisher
from mainspring.messaging.transport import Outcome

__all__ = ["Responder"]

RETRY = 0.25
# How many queues are remembered as gone, and how many answers are kept for a missing one.
GONE_AT_MOST = 200
KEPT_AT_MOST = 1000


class _Answer:
    """An answer on its way."""

    __slots__ = ("body", "deadline", "headers", "outcome", "queue", "response")

    def __init__(
        self,
        queue: str,
        response: Response,
        body: bytes,
        headers: bytes,
        deadline: float | None,
        outcome: Outcome | None,
    ) -> None:
        self.queue = queue
        self.response = response
        self.body = body
        self.headers = headers
        self.deadline = deadline
        self.outcome = outcome

    def tell(self, error: BaseException | None) -> None:
        """Tells the outcome, once."""
        outcome, self.outcome = self.outcome, None
        if outcome is not None:
            outcome(self.response, error)


class _Missing:
    """A queue that is missing, and the answers that wait for it."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.waiting: deque[_Answer] = deque()
        self.timer: asyncio.TimerHandle | None = None


class Responder:
    """Sends the answers of a transport.

    Parameters:
        publisher: sends them.
        patience: for how many seconds a missing queue is waited for.
    """

    def __init__(self, publisher: Publisher, patience: float) -> None:
        self._publisher = publisher
        self._patience = patience
        self._missing: dict[str, _Missing] = {}
        self._gone: OrderedDict[str, float] = OrderedDict()

    def respond(
        self,
        request: Request,
        response: Response,
        body: bytes,
        headers: bytes,
        outcome: Outcome | None,
    ) -> None:
        """Sends an answer.

        Parameters:
            request: what is answered.
            response: the answer.
            body: the answer's bytes.
            headers: its headers.
            outcome: as for `Transport.respond`.

        Raises:
            TransportBusy: too much waits already.
        """
        queue = str(request.reply_to)
        answer = _Answer(queue, response, body, headers, request.deadline, outcome)
        missing = self._missing.get(queue)
        if missing is None:
            self._send(answer)
        elif response.ending:
            # A sign of life that comes too late is none.
            self._keep(missing, answer)
        else:
            self._publisher.loop.call_soon(answer.tell, None)

    def _send(self, answer: _Answer) -> None:
        address = Address("", answer.queue, None)
        publication = Publication(address, answer.body, answer, self._on_outcome)
        publication.headers = answer.headers
        publication.mandatory = True
        self._publisher.publish(publication)

    def _on_outcome(self, answer: _Answer, error: BaseException | None) -> None:
        missing = self._missing.get(answer.queue)
        if not isinstance(error, MessageUndeliverable):
            if missing is not None and error is None:
                self._found(answer.queue, missing)
            answer.tell(error)
            return
        loop = self._publisher.loop
        now = loop.time()
        if missing is None:
            if self._gone.get(answer.queue, 0.0) > now or not self._patience:
                answer.tell(error)
                return
            missing = self._missing[answer.queue] = _Missing(now)
        if not answer.response.ending:
            answer.tell(error)
        else:
            self._keep(missing, answer)
        if now - missing.since >= self._patience:
            self._is_gone(answer.queue, missing)
        elif missing.timer is None:
            missing.timer = loop.call_later(RETRY, self._try, answer.queue, missing)

    def _keep(self, missing: _Missing, answer: _Answer) -> None:
        missing.waiting.append(answer)
        if len(missing.waiting) > KEPT_AT_MOST:
            first = missing.waiting.popleft()
            why = f"more than {KEPT_AT_MOST} replies wait for the missing queue {first.queue!r}"
            self._publisher.loop.call_soon(first.tell, MessageUndeliverable(why))

    def _try(self, queue: str, missing: _Missing) -> None:
        missing.timer = None
        now = self._publisher.loop.time()
        while missing.waiting:
            answer = missing.waiting.popleft()
            if answer.deadline is None or answer.deadline > now:
                self._retry(answer)
                return
            answer.tell(MessageUndeliverable(f"the caller at {queue!r} waits no longer"))
        del self._missing[queue]

    def _retry(self, answer: _Answer) -> None:
        try:
            self._send(answer)
        except MessagingError as exc:
            answer.tell(exc)

    def _found(self, queue: str, missing: _Missing) -> None:
        """Sends what has waited: the queue is there again."""
        del self._missing[queue]
        if missing.timer is not None:
            missing.timer.cancel()
        for answer in missing.waiting:
            self._retry(answer)

    def _is_gone(self, queue: str, missing: _Missing) -> None:
        """Gives up on a queue, and for a while on what comes for it."""
        del self._missing[queue]
        logger.warning(
            "%d replies are lost: their caller's queue %r has been missing for %g s",
            len(missing.waiting),
            queue,
            self._patience,
        )
        self._gone[queue] = self._publisher.loop.time() + self._patience
        while len(self._gone) > GONE_AT_MOST:
            self._gone.popitem(last=False)
        for answer in missing.waiting:
            answer.tell(MessageUndeliverable(f"the caller's queue {queue!r} is gone"))

    def close(self, error: BaseException) -> None:
        """Gives up on all that waits."""
        for missing in self._missing.values():
            if missing.timer is not None:
                missing.timer.cancel()
            for answer in missing.waiting:
                answer.tell(error)
        self._missing.clear()
