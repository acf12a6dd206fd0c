"""How a deadline travels: as the time that is left and as the time of day; neither is enough.

What is left when the message leaves says nothing of how long it lay in a queue. The time of day
does, but is only as good as the clocks of two machines: by it a deadline may become nearer, never
be over. A message that is over by the time of day was not dropped by the broker, whose own clock
let it pass, and so it is the two machines' clocks that differ.
"""

from typing import NamedTuple

from mainspring.messaging.milliseconds import arrival, expiry, remaining

__all__ = ["TravellingDeadline", "arrive", "leave"]


class TravellingDeadline(NamedTuple):
    """A deadline as it is on a wire.

    Attributes:
        timeout_ms: the milliseconds that were left when it was sent.
        expires_ms: the time of day when it ends, in milliseconds of the UNIX epoch; None if the
            sender doesn't say.
    """

    timeout_ms: int
    expires_ms: int | None = None


def leave(deadline: float, now: float, wall: float | None = None) -> TravellingDeadline:
    """Returns the form in which a deadline leaves a process.

    Parameters:
        deadline: on the loop's clock, in seconds.
        now: what the loop's clock shows, in seconds.
        wall: the time of day, in seconds; None for the system's.
    """
    left = remaining(deadline, now)
    return TravellingDeadline(left, expiry(left, wall))


def arrive(travelled: TravellingDeadline, now: float, wall: float | None = None) -> float:
    """Returns the deadline on the loop's clock of the process in which it arrived.

    Parameters:
        travelled: what the message carried.
        now: what the loop's clock shows, in seconds.
        wall: the time of day, in seconds; None for the system's.
    """
    return arrival(travelled.timeout_ms, travelled.expires_ms, now, wall)
