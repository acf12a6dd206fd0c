"""`Subjects`: where each kind of message goes.

A subject is the exchange, the kind, the topic, and what the kind needs besides; each of them is one
token, so a permission as `shop.server.orders.*` covers what it seems to, and no two targets share
a subject. Servers of a topic are one queue group, and so are the listeners of a pool.
"""

from urllib.parse import quote

from mainspring.messaging.errors import InvalidTarget
from mainspring.messaging.target import Target

__all__ = ["SERVERS", "Subjects", "pool_group", "token"]

# The queue group of those that share a topic.
SERVERS = "servers"
# Those of listeners that name no pool, and of a pool.
_LISTENERS, _POOL = "listeners", "pool-"
# What stands for itself besides letters, digits and `_-~`.
_PLAIN = "!$&'()+,/:;=@[]^`{|}<?#"
# What a NATS server takes as one line is bounded; a reply's subject and the rest fit as well.
_LONGEST = 1000
# How many targets are remembered.
_REMEMBERED = 10_000


def token(name: str) -> str:
    """Returns a name as one token of a subject: what has a meaning there is percent-encoded.

    Parameters:
        name: any text but none.
    """
    return quote(name, safe=_PLAIN).replace(".", "%2E")


def pool_group(pool: str | None) -> str:
    """Returns the queue group of a pool of listeners; None is one as well."""
    return _LISTENERS if pool is None else f"{_POOL}{token(pool)}"


class Subjects:
    """Makes subjects of targets, each once.

    Parameters:
        exchange: that of targets that name none.
    """

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._of_requests: dict[tuple[str | None, str | None, str | None, bool], str] = {}

    def request(self, target: Target) -> str:
        """Returns where a request for a target goes.

        Raises:
            InvalidTarget: the target has no topic, or its names are too long.
        """
        key = target.exchange, target.topic, target.server, target.fanout
        subject = self._of_requests.get(key)
        if subject is None:
            if target.fanout:
                subject = self._join(target, "fanout")
            elif target.server is None:
                subject = self._join(target, "topic")
            else:
                subject = self._join(target, "server", target.server)
            if len(self._of_requests) >= _REMEMBERED:
                self._of_requests.clear()
            self._of_requests[key] = subject
        return subject

    def cancellations(self, target: Target) -> str:
        """Returns where it is said that a call to a target has been given up."""
        if target.server is None:
            return self._join(target, "cancel")
        return self._join(target, "cancel", target.server)

    def notification(self, target: Target, priority: str) -> str:
        """Returns where a notification goes.

        Raises:
            InvalidTarget: as for `request`.
        """
        return self._join(target, "event", priority)

    def given_back(self, target: Target, priority: str, pool: str | None) -> str:
        """Returns where a notification goes that a listener of a pool has given back."""
        return self._join(target, "again", priority, _LISTENERS if pool is None else _POOL + pool)

    def _join(self, target: Target, kind: str, *names: str) -> str:
        if not target.topic or not all(names):
            raise InvalidTarget("a message needs a topic, and no name may be empty", target)
        exchange = token(target.exchange or self._exchange)
        subject = ".".join((exchange, kind, token(target.topic), *map(token, names)))
        if len(subject) > _LONGEST:
            raise InvalidTarget(f"its names are longer than the {_LONGEST} that NATS takes", target)
        return subject
