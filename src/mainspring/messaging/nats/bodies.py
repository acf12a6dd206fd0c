"""Bodies: a form as JSON or MessagePack, and back; once or twice per message, so it is compiled."""

import cython
import msgspec
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.nats.errors import MalformedMessage

__all__ = ["Decoder", "encode"]

to_json = cython.declare(object, msgspec.json.Encoder().encode)
to_msgpack = cython.declare(object, msgspec.msgpack.Encoder().encode)


def encode(form, is_json):
    """Returns a body.

    Parameters:
        form: what is in it; its values are plain data.
        is_json: whether JSON carries them.

    Raises:
        EncodeError: a value has no form, as a number of more than 64 bits.
    """
    try:
        return to_json(form) if is_json else to_msgpack(form)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as exc:
        raise EncodeError(f"a value can't be sent: {exc}") from exc


class Decoder:
    """Reads the bodies of one form.

    Parameters:
        form: the form.
    """

    def __init__(self, form):
        self.from_json = msgspec.json.Decoder(form).decode
        self.from_msgpack = msgspec.msgpack.Decoder(form).decode

    def read(self, body):
        """Returns what is in a body.

        Raises:
            MalformedMessage: it isn't of this form.
        """
        try:
            return self.from_json(body) if begins_json(body) else self.from_msgpack(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise MalformedMessage(f"{exc}; {body[:80]!r}") from exc


def begins_json(body):
    """Tells JSON from MessagePack; nothing at all is JSON that is cut off."""
    if PyBytes_GET_SIZE(body) == 0:
        return True
    first: cython.char = PyBytes_AS_STRING(body)[0]
    return first == 123 or first == 32 or first == 9 or first == 13 or first == 10
