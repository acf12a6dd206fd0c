"""`Answers`: the way of a server's responses, on which none is lost silently.

What can't be encoded becomes a failure that can. What can't be sent is counted, and told to the
outcome as if the transport had.
"""

import cython
from cython.cimports.mainspring.messaging.messages import Response

from mainspring.messaging.errors import (
    EncodeError,
    MessageDeliveryFailure,
    MessageUndeliverable,
)
from mainspring.messaging.failures import failure_of, plain_failure

__all__ = ["Answers"]


class Answers:
    """Sends responses.

    Parameters:
        transport: carries them.
    """

    def __init__(self, transport):
        self.transport = transport
        self.count = self.on_outcome

    def send(self, request, response, outcome=None):
        """Sends the answer to a request.

        Parameters:
            request: what is answered.
            response: with what.
            outcome: is told how it fared; None: it is only counted.

        Returns:
            What was sent: the response, or a failure in its place.
        """
        is_counted: cython.bint = outcome is None
        if is_counted:
            outcome = self.count
        for _ in range(2):
            response.only_errors = is_counted
            try:
                self.transport.respond(request, response, outcome)
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

    def send_sign_of_life(self, request):
        """Tells a caller that its call is still being worked on."""
        sign: Response = Response(request.msg_id)
        sign.ending = False
        self.send(request, sign, ignore)
        return 0

    def on_outcome(self, response, error):
        """Counts a response that didn't arrive."""
        if error is not None:
            self.undelivered += 1


def is_lost(error):
    """Tells from how an answer fared whether its request has to come again.

    It has if the answer isn't with the broker; by then the request is known.
    """
    return error is not None and not isinstance(error, MessageUndeliverable)


def ignore(response, error):
    """Takes no notice of what became of a sign of life."""
