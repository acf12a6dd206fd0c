"""The bodies of this wire: what is in a request, an answer, a notification, a cancellation.

A body is one object with named fields; what isn't said is left out, and a field that isn't known
here is passed over. A body that begins with `{` is JSON; any other is MessagePack, of the same
object: it is sent where JSON has no form for a value, as for bytes. `docs/reference/nats.md` says
what each field means; a field may be added, and none changes its meaning.
"""

from typing import Any

import msgspec

__all__ = [
    "CancelForm",
    "FailureForm",
    "NotificationForm",
    "RequestForm",
    "ResponseForm",
]


class RequestForm(msgspec.Struct, omit_defaults=True):
    """A call, a cast or a fanout."""

    method: str
    args: dict[str, Any] = {}
    id: str | None = None
    cast: bool = False
    namespace: str | None = None
    version: str | None = None
    timeout_ms: int | None = None
    expires_ms: int | None = None
    monitor: float | None = None
    priority: int | None = None
    context: dict[str, Any] = {}
    attempt: int = 1


class FailureForm(msgspec.Struct, omit_defaults=True):
    """What a method raised."""

    type: str = "Exception"
    module: str = "builtins"
    message: str = ""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    traceback: str = ""
    cause: "FailureForm | None" = None
    exceptions: "list[FailureForm]" = []


class ResponseForm(msgspec.Struct, omit_defaults=True):
    """An answer: one of the three."""

    result: Any = msgspec.UNSET
    failure: FailureForm | None = None
    alive: bool = False


class NotificationForm(msgspec.Struct, omit_defaults=True):
    """An event."""

    event_type: str
    publisher_id: str = ""
    priority: str = ""
    payload: Any = msgspec.UNSET
    id: str | None = None
    message_id: str = ""
    timestamp: str = ""
    context: dict[str, Any] = {}
    attempt: int = 1


class CancelForm(msgspec.Struct, omit_defaults=True):
    """Says that a call has been given up."""

    id: str
