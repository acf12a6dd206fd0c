"""`Duplicates`: what a server remembers of the requests it has seen, so that none runs twice.

A broker that lost a connection delivers again what it isn't sure of, and a client sends again what
the broker didn't confirm. Both carry the `unique_id` of the first. What is remembered is bounded:
the ids of the last so many requests, and of fewer the responses, to answer a duplicate whose first
answer was lost.

The order of what is remembered lies in a deque: to find the first key of a dict whose first keys
were deleted, Python passes over all of these (1.6 us a call with a window of 10,000, and 0.2 so).
"""

from collections import deque

__all__ = ["Duplicates", "Recent"]


class Recent:
    """The last so many keys, each with a value.

    Parameters:
        limit: how many; 0 for none.
    """

    def __init__(self, limit):
        self.limit = limit
        self.values = {}
        self.order = deque()

    def __contains__(self, key):
        return key in self.values

    def __len__(self):
        return len(self.values)

    def add(self, key, value):
        """Remembers a key that isn't remembered yet, or another value of one that is.

        Returns:
            The key that was forgotten for it, or None.
        """
        if key in self.values:
            self.values[key] = value
            return None
        if self.limit == 0:
            return None
        self.values[key] = value
        self.order.append(key)
        # What was taken is still in the order.
        if len(self.order) <= self.limit:
            return None
        oldest = self.order.popleft()
        self.values.pop(oldest, None)
        return oldest

    def take(self, key):
        """Forgets a key; returns False if it isn't remembered."""
        if key not in self.values:
            return False
        del self.values[key]
        return True

    def get(self, key):
        """Returns the value of a key, None if it isn't remembered."""
        return self.values.get(key)


class Duplicates:
    """Requests by their `unique_id`.

    Parameters:
        window: how many requests that are done are remembered.
        replies: of how many the responses are kept; 0 for none.

    Attributes:
        running: the calls that are not done.
    """

    def __init__(self, window, replies):
        self.running = {}
        self.done = Recent(window)
        self.responses = Recent(min(window, replies))

    def is_done(self, unique_id):
        """Tells whether a request was seen, and is done."""
        return unique_id in self.done.values

    def response(self, unique_id):
        """Returns the response to a request that is done, if it is still kept."""
        return self.responses.get(unique_id)

    def end(self, unique_id, response):
        """Remembers that a request is done.

        Parameters:
            unique_id: its id.
            response: what it was answered with; None if it wasn't.
        """
        self.running.pop(unique_id, None)
        self.done.add(unique_id, None)
        if response is not None:
            self.responses.add(unique_id, response)
