"""`Call`: a request that a server has in hand, until it is settled and answered."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mainspring.messaging.errors import Abandoned
from mainspring.messaging.messages import Request
from mainspring.messaging.transport import Delivery

if TYPE_CHECKING:
    from mainspring.messaging.dispatcher import Method

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

    __slots__ = (
        "abandoned_why",
        "deadline",
        "deliveries",
        "entered",
        "is_abandoned",
        "is_answered",
        "loop",
        "method",
        "monitor",
        "request",
        "started",
        "task",
        "timer",
    )

    def __init__(
        self,
        request: Request,
        method: "Method",
        delivery: Delivery[Request],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.request = request
        self.method = method
        self.deadline = request.deadline
        self.is_abandoned = False
        self.loop = loop
        # More than one if the message came again meanwhile.
        self.deliveries = [delivery]
        self.abandoned_why = ""
        self.is_answered = False
        # When the handler was started, on the loop's clock; None while the call waits for a place.
        self.started: float | None = None
        self.task: asyncio.Future[Any] | None = None
        # True once a task has had its first step: before that, cancelling it runs none of its code.
        self.entered = False
        self.timer: asyncio.TimerHandle | None = None
        self.monitor: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Call of {self.request.method!r} {self.request.unique_id}>"

    @property
    def context(self) -> Mapping[str, Any]:
        """The caller's context."""
        return self.request.context

    def remaining(self) -> float | None:
        """Returns the seconds until the deadline, 0 at least; None if there is none."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - self.loop.time())

    def raise_if_abandoned(self) -> None:
        """Ends a handler that nobody waits for; for handlers in threads.

        Raises:
            Abandoned: nobody waits any more.
        """
        if self.is_abandoned:
            raise Abandoned(f"{self.request.method!r}: {self.abandoned_why}")
