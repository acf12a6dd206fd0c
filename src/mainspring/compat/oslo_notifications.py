"""oslo.messaging's notifiers and listeners on `mainspring.messaging`.

Who notifies sees no error: it is logged. A notifier has one driver or several: `messagingv2` (the
default) and `messaging` send, `log` writes JSON to the logger `oslo.messaging.notification.` and
the event's type, `noop` does nothing.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mainspring.compat.oslo_endpoints import (
    AdaptedEndpoint,
    NoOpSerializer,
    batch_method,
    listener_method,
)
from mainspring.compat.oslo_transports import OsloTransport, native
from mainspring.green.waiting import await_
from mainspring.messaging import BatchListener, Listener, MessagingError, Reply, Target, Transport
from mainspring.messaging import Notifier as _Notifier
from mainspring.messaging.notifier import PRIORITIES

__all__ = [
    "DRIVERS",
    "NotificationListener",
    "Notifier",
    "get_batch_notification_listener",
    "get_notification_listener",
]

DRIVERS = ("messagingv2", "messaging", "log", "noop")

_LOGGER = "oslo.messaging.notification"
# What a log must not show, in any part of a name.
_SECRETS = ("password", "passwd", "secret", "token", "api_key", "private_key")


class Notifier:
    """Notifies, and logs what can't be sent.

    Parameters:
        transport: of `get_notification_transport`.
        publisher_id: who tells.
        driver: one of `DRIVERS`, or several; None for `"messagingv2"`.
        serializer: makes plain data of payloads and contexts.
        retry: of no account: the transport tries on.
        topics: where to.

    Raises:
        ValueError: there is no such driver.
    """

    def __init__(
        self,
        transport: OsloTransport | Transport,
        publisher_id: str | None = None,
        driver: str | Sequence[str] | None = None,
        serializer: Any = None,
        retry: int | None = None,
        topics: Sequence[str] | None = None,
    ) -> None:
        self._serializer = serializer or NoOpSerializer()
        names = driver or "messagingv2"
        self._drivers = (names,) if isinstance(names, str) else tuple(names)
        unknown = [name for name in self._drivers if name not in DRIVERS]
        if unknown:
            raise ValueError(f"driver must be of {', '.join(DRIVERS)}, not {unknown[0]!r}")
        self.publisher_id = publisher_id
        self._senders = {
            name: _Notifier(
                native(transport),
                publisher_id or "",
                topics=topics or ("notifications",),
                enveloped=name == "messagingv2",
            )
            for name in self._drivers
            if name.startswith("messaging")
        }

    def prepare(self, publisher_id: str | None = None, retry: int | None = None) -> "Notifier":
        """Returns a notifier in another one's name."""
        made = object.__new__(type(self))
        made._serializer = self._serializer
        made._drivers = self._drivers
        made.publisher_id = self.publisher_id if publisher_id is None else publisher_id
        made._senders = {
            name: sender.prepare(made.publisher_id or "") for name, sender in self._senders.items()
        }
        return made

    def is_enabled(self) -> bool:
        """Returns False if nobody is ever told."""
        return self._drivers != ("noop",)

    def _notify(self, ctxt: Any, event_type: str, payload: Any, priority: str) -> None:
        serializer = self._serializer
        plain = serializer.serialize_entity(ctxt, payload)
        context = serializer.serialize_context(ctxt) or {}
        if "log" in self._drivers:
            self._log(priority, event_type, plain)
        replies = [
            sender.notify(priority, event_type, plain, ctxt=context)
            for sender in self._senders.values()
        ]
        for reply in replies:
            try:
                await_(reply)
            except MessagingError:
                # The native notifier has logged it.
                pass

    def _log(self, priority: str, event_type: str, payload: Any) -> None:
        logger = logging.getLogger(f"{_LOGGER}.{event_type}")
        told = {
            "publisher_id": self.publisher_id,
            "event_type": event_type,
            "priority": priority.upper(),
            "payload": _masked(payload),
        }
        # Audits and samples have no level of their own.
        write = getattr(logger, {"warn": "warning"}.get(priority, priority), logger.info)
        write(json.dumps(told, default=str))


def _masked(value: Any) -> Any:
    """Returns a value without the secrets in it."""
    if isinstance(value, Mapping):
        return {
            key: "***" if any(s in str(key).lower() for s in _SECRETS) else _masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def _notifying(priority: str) -> Callable[..., None]:
    def notify(self: Notifier, ctxt: Any, event_type: str, payload: Any) -> None:
        self._notify(ctxt, event_type, payload, priority)

    notify.__name__ = priority
    notify.__doc__ = f"Notifies with priority {priority}: the context, the type, and the payload."
    return notify


for _priority in PRIORITIES:
    setattr(Notifier, _priority, _notifying(_priority))
Notifier.warning = Notifier.warn  # type: ignore[attr-defined]


class NotificationListener:
    """Hears notifications, by endpoints whose methods take the context first."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stopped: Reply[None] | None = None

    def start(self, override_pool_size: int | None = None) -> None:
        """Begins to hear."""
        await_(self._listener.start())

    def stop(self) -> None:
        """Hears nothing more; `wait` tells when what is in hand is done."""
        self._stopped = self._listener.stop()

    def wait(self) -> None:
        """Waits until the listener has stopped."""
        if self._stopped is not None:
            await_(self._stopped)


def get_notification_listener(
    transport: OsloTransport | Transport,
    targets: Sequence[Target],
    endpoints: Sequence[object],
    executor: str | None = None,
    serializer: Any = None,
    allow_requeue: bool = False,
    pool: str | None = None,
) -> NotificationListener:
    """Returns a listener; parameters as for `mainspring.messaging.Listener`.

    `executor` is of no account.
    """
    adapt = listener_method(serializer or NoOpSerializer())
    adapted = [AdaptedEndpoint(each, adapt) for each in endpoints]
    return NotificationListener(
        Listener(native(transport), targets, adapted, pool=pool, allow_requeue=allow_requeue)
    )


def get_batch_notification_listener(
    transport: OsloTransport | Transport,
    targets: Sequence[Target],
    endpoints: Sequence[object],
    executor: str | None = None,
    serializer: Any = None,
    allow_requeue: bool = False,
    pool: str | None = None,
    batch_size: int | None = None,
    batch_timeout: float | None = None,
) -> NotificationListener:
    """Returns a listener whose endpoints' methods take a list of notifications.

    Each is a dict with `ctxt`, `publisher_id`, `event_type`, `payload` and `metadata`.

    Parameters:
        transport: of `get_notification_transport`.
        targets: as for `mainspring.messaging.BatchListener`.
        endpoints: objects.
        executor: of no account.
        serializer: makes values of plain data.
        allow_requeue: as for `mainspring.messaging.BatchListener`.
        pool: as for `mainspring.messaging.BatchListener`.
        batch_size: how many there are in a list at most; None for 1.
        batch_timeout: seconds after the first when a list is heard though it isn't full; None: it
            waits until it is.
    """
    adapt = batch_method(serializer or NoOpSerializer())
    adapted = [AdaptedEndpoint(each, adapt) for each in endpoints]
    return NotificationListener(
        BatchListener(
            native(transport),
            targets,
            adapted,
            pool=pool,
            allow_requeue=allow_requeue,
            batch_size=batch_size or 1,
            batch_timeout=batch_timeout,
        )
    )
