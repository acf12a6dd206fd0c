"""`Notifier`: tells whoever listens that something happened.

    notifier = Notifier("memory://", publisher_id="compute.host1")
    notifier.info("instance.create", {"id": 7})

Who tells doesn't know who listens, and doesn't wait for them. A notification that can't be sent is
logged on `mainspring.messaging`, and its reply has the error for whoever looks.
"""

import asyncio
import datetime
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from mainspring.messaging.context import context_variable, get_trace
from mainspring.messaging.messages import Notification, new_id
from mainspring.messaging.participant import Sender
from mainspring.messaging.reply import Reply
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Transport

__all__ = ["PRIORITIES", "Notifier"]

logger = logging.getLogger("mainspring.messaging")

# oslo.messaging's; they are names of streams, and have nothing to do with those of the loop.
PRIORITIES = ("audit", "debug", "info", "warn", "error", "critical", "sample")


class Notifier(Sender):
    """Publishes notifications.

    Parameters:
        transport: a transport, or the URL of one, which is then this notifier's own and closed with
            it.
        publisher_id: who tells, as `"compute.host1"`.
        topics: where to: each gets a copy.
        exchange: the scope of the topics; None for the transport's default.
        enveloped: False for oslo.messaging's first form of messages, where the wire knows it.
    """

    def __init__(
        self,
        transport: Transport | str,
        publisher_id: str,
        *,
        topics: Sequence[str] = ("notifications",),
        exchange: str | None = None,
        enveloped: bool = True,
    ) -> None:
        super().__init__(transport)
        self.publisher_id = publisher_id
        self.topics = tuple(topics)
        self.exchange = exchange
        self.enveloped = enveloped

    def prepare(self, publisher_id: str) -> "Notifier":
        """Returns a notifier in another one's name, on the same transport."""
        return Notifier(
            self.transport,
            publisher_id,
            topics=self.topics,
            exchange=self.exchange,
            enveloped=self.enveloped,
        )

    def notify(
        self,
        priority: str,
        event_type: str,
        payload: Any,
        *,
        ctxt: Mapping[str, Any] | None = None,
    ) -> Reply[None]:
        """Tells that something happened.

        Parameters:
            priority: one of `PRIORITIES`.
            event_type: what happened, as `"instance.create"`.
            payload: the event: plain data.
            ctxt: the context that travels; None for the current one.

        Returns:
            What is done once the broker has the notification, or could not take it. Nobody need
            wait for it.

        Raises:
            ValueError: there is no such priority.
        """
        if priority not in PRIORITIES:
            raise ValueError(f"priority must be one of {', '.join(PRIORITIES)}, not {priority!r}")
        loop = self._calls.attach()
        reply: Reply[None] = Reply(loop=loop)
        reply.add_done_callback(_log_failure)
        messages = [
            self._message(topic, priority, event_type, payload, ctxt) for topic in self.topics
        ]
        if asyncio._get_running_loop() is loop:
            self._calls.send(reply, *messages)
        else:
            loop.call_soon_threadsafe(self._calls.send, reply, *messages)
        return reply

    def audit(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority audit; parameters and result as for `notify`."""
        return self.notify("audit", event_type, payload, **settings)

    def debug(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority debug; parameters and result as for `notify`."""
        return self.notify("debug", event_type, payload, **settings)

    def info(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority info; parameters and result as for `notify`."""
        return self.notify("info", event_type, payload, **settings)

    def warn(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority warn; parameters and result as for `notify`."""
        return self.notify("warn", event_type, payload, **settings)

    warning = warn

    def error(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority error; parameters and result as for `notify`."""
        return self.notify("error", event_type, payload, **settings)

    def critical(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority critical; parameters and result as for `notify`."""
        return self.notify("critical", event_type, payload, **settings)

    def sample(self, event_type: str, payload: Any, **settings: Any) -> Reply[None]:
        """Notifies with priority sample; parameters and result as for `notify`."""
        return self.notify("sample", event_type, payload, **settings)

    def _message(
        self,
        topic: str,
        priority: str,
        event_type: str,
        payload: Any,
        ctxt: Mapping[str, Any] | None,
    ) -> Notification:
        target = Target(exchange=self.exchange, topic=topic)
        message = Notification(target, event_type, self.publisher_id, priority, payload)
        message.unique_id = new_id()
        message.message_id = str(uuid.uuid4())
        now = datetime.datetime.now(datetime.UTC)
        message.timestamp = now.strftime("%Y-%m-%d %H:%M:%S.%f")
        message.enveloped = self.enveloped
        if ctxt is None:
            ctxt = context_variable.get()
        if ctxt:
            message.context = ctxt
        message.trace = get_trace()
        return message


def _log_failure(reply: asyncio.Future[None]) -> None:
    """Logs why a notification wasn't sent; whoever awaits it gets the error besides."""
    if not reply.cancelled() and (error := reply.exception()) is not None:
        logger.error("a notification was not sent: %s", error)
