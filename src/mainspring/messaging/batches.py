"""`BatchListener`: hears notifications some at a time, for those who store or forward them.

A batch is as many as there may be, or what has come some time after its first one. It is dealt with
by one call for each run of notifications of one priority, in the order in which they came, and
settled as a whole when all endpoints have dealt with it.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from mainspring.messaging.listener import Listener, NotificationResult, hear, matches
from mainspring.messaging.messages import Notification
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Delivery, Transport

__all__ = ["BatchListener"]


class BatchListener(Listener):
    """Hears notifications in batches.

    Parameters:
        transport: as for `Listener`.
        targets: as for `Listener`.
        endpoints: objects; a method that is called as a priority is called with a list of
            `Notification`s of that priority, in no notifier's context: each has its own. With a
            `filter_rule`, those that match. If it returns `NotificationResult.REQUEUE` all of
            them come again, and no other endpoint hears these.
        batch_size: how many notifications there are in a batch at most, and how many the broker
            hands out before a batch is settled.
        batch_timeout: seconds after the first one when a batch is dealt with though it isn't full;
            None: it waits until it is.
        settings: as for `Listener`, but for `concurrency`: batches are dealt with one by one.

    Raises:
        InvalidTarget: as for `Listener`.
        InvalidEndpoint: as for `Listener`.
        ValueError: a number has no meaning.
    """

    def __init__(
        self,
        transport: Transport | str,
        targets: Sequence[Target],
        endpoints: Sequence[object],
        *,
        batch_size: int = 100,
        batch_timeout: float | None = 1.0,
        **settings: Any,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size!r}")
        if batch_timeout is not None and batch_timeout <= 0:
            raise ValueError(f"batch_timeout must be more than 0 seconds, not {batch_timeout!r}")
        super().__init__(transport, targets, endpoints, concurrency=batch_size, **settings)
        self.batch_size = batch_size
        self.batch_timeout = batch_timeout
        self._batch: list[Delivery[Notification]] = []
        self._timer: asyncio.TimerHandle | None = None

    def _take(self, delivery: Delivery[Notification]) -> None:
        self._batch.append(delivery)
        if len(self._batch) >= self.batch_size:
            self._close_batch()
        elif self._timer is None and self.batch_timeout is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.batch_timeout, self._close_batch)

    def _close_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._batch = self._batch, []
        if batch:
            self._begin(self._handle_batch(batch))

    async def _handle_batch(self, batch: list[Delivery[Notification]]) -> None:
        again: set[Delivery[Notification]] = set()
        try:
            for priority, group in itertools.groupby(batch, lambda each: each.message.priority):
                deliveries = list(group)
                if await self._hear_all(priority, deliveries):
                    again.update(deliveries)
        except asyncio.CancelledError:
            # The loop is being shut down: another listener gets them.
            for delivery in batch:
                self._settle(delivery, requeue=True)
            raise
        for delivery in batch:
            self._end(delivery, delivery in again)

    async def _hear_all(self, priority: str, deliveries: list[Delivery[Notification]]) -> bool:
        """Has all endpoints hear notifications; returns True if they are to come again."""
        for filter_rule, method in self._methods.get(priority, ()):
            wanted = [
                each.message
                for each in deliveries
                if filter_rule is None or matches(filter_rule, each.message)
            ]
            if wanted and await hear(method, wanted) is NotificationResult.REQUEUE:
                return True
        return False

    def on_connection_lost(self) -> None:
        """What was collected comes again; what is in hand is finished, and will be known."""
        batch, self._batch = self._batch, []
        for delivery in batch:
            self._running.pop(delivery.message.unique_id or "", None)
        self._close_batch()

    async def _finish(self) -> None:
        self._close_batch()
        await super()._finish()
