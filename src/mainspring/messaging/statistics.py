"""What clients and servers have counted, for who asks: plain numbers."""

from dataclasses import dataclass

__all__ = ["ClientStatistics", "MethodStatistics", "ServerStatistics"]


@dataclass(slots=True)
class ClientStatistics:
    """What the clients of one transport have done.

    Attributes:
        calls: calls that were begun.
        casts: casts, fanouts and notifications.
        replies: calls that ended with a result.
        failures: calls and casts that ended with an error, timeouts included.
        timeouts: calls whose deadline, or whose time without a sign of life, was over.
        abandoned: calls that their callers gave up.
        dropped_replies: responses that nobody waited for any more, or that came twice.
        signs_of_life: responses that said that a call is still being worked on.
        in_flight: calls that wait for their reply now.
    """

    calls: int = 0
    casts: int = 0
    replies: int = 0
    failures: int = 0
    timeouts: int = 0
    abandoned: int = 0
    dropped_replies: int = 0
    signs_of_life: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class MethodStatistics:
    """What became of one method's calls.

    Attributes:
        started: handlers that began.
        failed: handlers that raised.
        running: handlers that run now.
        waiting: calls that wait for others of their method to end.
        seconds: how long handlers ran, all together.
    """

    started: int = 0
    failed: int = 0
    running: int = 0
    waiting: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class ServerStatistics:
    """What a server has done.

    Attributes:
        delivered: requests that the transport handed over, redeliveries included.
        done: handlers that returned.
        failed: handlers that raised, and calls that named no method of the server.
        duplicates: requests that had been delivered before.
        late: requests that were dropped because their deadline was over before they could start.
        overdue: handlers that were stopped because the deadline was over.
        cancelled: calls that were dropped or stopped because their caller gave them up.
        requeued: requests that were given back to the broker.
        undelivered_replies: responses whose caller has gone.
        running: handlers that run now.
        waiting: requests that wait for a handler to end.
        methods: the same by method.
    """

    delivered: int = 0
    done: int = 0
    failed: int = 0
    duplicates: int = 0
    late: int = 0
    overdue: int = 0
    cancelled: int = 0
    requeued: int = 0
    undelivered_replies: int = 0
    running: int = 0
    waiting: int = 0
    methods: dict[str, MethodStatistics] | None = None
