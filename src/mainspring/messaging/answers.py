"""`Answers`: the way of a server's responses, on which none is lost silently.

What can't be encoded becomes a failure that can. What can't be sent is counted, and told to the
outcome as if the transport had.
"""

from mainspring.messaging.errors import (
    EncodeError,
    MessageDeliveryFailure,
    MessageUndeliverable,
)
from mainspring.messaging.failures import failure_of, plain_failure
from mainspring.messaging.messages import Request, Response
from mainspring.messaging.statistics import ServerStatistics
from mainspring.messaging.transport import Outcome, Transport

__all__ = ["Answers", "is_lost"]


class Answers:
    """Sends responses.

    Parameters:
        transport: carries them.
        counts: where those are counted that didn't arrive.
    """

    def __init__(self, transport: Transport, counts: ServerStatistics) -> None:
        self._transport = transport
        self._counts = counts

    def send(
        self, request: Request, response: Response, outcome: Outcome | None = None
    ) -> Response:
        """Sends the answer to a request.

        Parameters:
            request: what is answered.
            response: with what.
            outcome: is told how it fared; None: it is only counted.

        Returns:
            What was sent: the response, or a failure in its place.
        """
        outcome = outcome or self.on_outcome
        for _ in range(2):
            try:
                self._transport.respond(request, response, outcome)
            except EncodeError as exc:
                failure = response.failure
                plain = failure_of(exc) if failure is None else plain_failure(failure)
                response = Response(response.msg_id)
                response.failure = plain
            except MessageDeliveryFailure as exc:
                outcome(response, exc)
                break
            else:
                break
        return response

    def send_sign_of_life(self, request: Request) -> None:
        """Tells a caller that its call is still being worked on."""
        assert request.msg_id is not None
        sign = Response(request.msg_id)
        sign.ending = False
        self.send(request, sign, _ignore)

    def on_outcome(self, response: Response, error: BaseException | None) -> None:
        """Counts a response that didn't arrive."""
        if error is not None:
            self._counts.undelivered_replies += 1


def is_lost(error: BaseException | None) -> bool:
    """Tells from how an answer fared whether its request has to come again.

    It has if the answer isn't with the broker; by then the request is known.
    """
    return error is not None and not isinstance(error, MessageUndeliverable)


def _ignore(response: Response, error: BaseException | None) -> None:
    """Takes no notice of what became of a sign of life."""
