"""`Call`: a request that a server has in hand, until it is settled and answered."""

from mainspring.messaging.errors import Abandoned

__all__ = ["Call"]


class Call:
    """What a handler can learn of the call that it serves: `current_call()` returns it.

    Attributes:
        request: the message.
        method: what serves it.
        deadline: when nobody waits for the result any more, on the loop's clock; None for never.
        is_abandoned: True once the caller has given it up, or the deadline is over. A task is
            cancelled then; a thread can't be, and should look here from time to time.
    """

    def __init__(self, request, method, delivery, loop):
        self.request = request
        self.method = method
        self.deadline = request.deadline
        self.loop = loop
        self.deliveries = [delivery]
        self.abandoned_why = ""

    def __repr__(self):
        return f"<Call of {self.request.method!r} {self.request.unique_id}>"

    @property
    def context(self):
        """The caller's context."""
        return self.request.context

    def remaining(self):
        """Returns the seconds until the deadline, 0 at least; None if there is none."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - self.loop.time())

    def raise_if_abandoned(self):
        """Ends a handler that nobody waits for; for handlers in threads.

        Raises:
            Abandoned: nobody waits any more.
        """
        if self.is_abandoned:
            raise Abandoned(f"{self.request.method!r}: {self.abandoned_why}")
