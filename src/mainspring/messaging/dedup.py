"""`Duplicates`: what a server remembers of the requests it has seen, so that none runs twice.

A broker that lost a connection delivers again what it isn't sure of, and a client sends again what
the broker didn't confirm. Both carry the `unique_id` of the first. What is remembered is bounded:
the ids of the last so many requests, and of fewer the responses, to answer a duplicate whose first
answer was lost.
"""

from mainspring.messaging.call import Call
from mainspring.messaging.messages import Response

__all__ = ["Duplicates"]


class Duplicates:
    """Requests by their `unique_id`.

    Parameters:
        window: how many requests that are done are remembered.
        replies: of how many the responses are kept; 0 for none.

    Attributes:
        running: the calls that are not done.
    """

    def __init__(self, window: int, replies: int) -> None:
        self.running: dict[str, Call] = {}
        self._window = window
        self._replies_kept = replies
        # In order of their end.
        self._done: dict[str, None] = {}
        self._responses: dict[str, Response] = {}

    def is_done(self, unique_id: str) -> bool:
        """Tells whether a request was seen, and is done."""
        return unique_id in self._done

    def response(self, unique_id: str) -> Response | None:
        """Returns the response to a request that is done, if it is still kept."""
        return self._responses.get(unique_id)

    def end(self, unique_id: str, response: Response | None) -> None:
        """Remembers that a request is done.

        Parameters:
            unique_id: its id.
            response: what it was answered with; None if it wasn't.
        """
        self.running.pop(unique_id, None)
        if not self._window:
            return
        self._done[unique_id] = None
        if len(self._done) > self._window:
            oldest = next(iter(self._done))
            del self._done[oldest]
            self._responses.pop(oldest, None)
        if response is not None and self._replies_kept:
            self._responses[unique_id] = response
            if len(self._responses) > self._replies_kept:
                del self._responses[next(iter(self._responses))]
