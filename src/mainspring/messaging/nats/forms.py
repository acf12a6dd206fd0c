"""The bodies of this wire: what is in a request, an answer, a notification, a cancellation.

A body is one object with named fields; what isn't said is left out, and a field that isn't known
here is passed over. A body that begins with `{` is JSON; any other is MessagePack, of the same
object: it is sent where JSON has no form for a value, as for bytes. `docs/reference/nats.md` says
what each field means; a field may be added, and none changes its meaning.
"""

from typing import Any

import msgspec

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.nats.errors import MalformedMessage

__all__ = [
    "CancelForm",
    "FailureForm",
    "NotificationForm",
    "RequestForm",
    "ResponseForm",
    "decoder",
    "encode",
]

_JSON_BEGINS = b"{ \t\r\n"


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


_to_json = msgspec.json.Encoder().encode
_to_msgpack = msgspec.msgpack.Encoder().encode


def encode(form: msgspec.Struct, is_json: bool) -> bytes:
    """Returns a body.

    Parameters:
        form: what is in it; its values are plain data.
        is_json: whether JSON carries them.

    Raises:
        EncodeError: a value has no form, as a number of more than 64 bits.
    """
    try:
        return _to_json(form) if is_json else _to_msgpack(form)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as exc:
        raise EncodeError(f"a value can't be sent: {exc}") from exc


class decoder[F: msgspec.Struct]:
    """Reads the bodies of one form.

    Parameters:
        form: the form.
    """

    __slots__ = ("_from_json", "_from_msgpack")

    def __init__(self, form: type[F]) -> None:
        self._from_json = msgspec.json.Decoder(form).decode
        self._from_msgpack = msgspec.msgpack.Decoder(form).decode

    def __call__(self, body: bytes) -> F:
        """Returns what is in a body.

        Raises:
            MalformedMessage: it isn't of this form.
        """
        try:
            if body[:1] in _JSON_BEGINS:
                return self._from_json(body)
            return self._from_msgpack(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise MalformedMessage(f"{exc}; {body[:80]!r}") from exc
