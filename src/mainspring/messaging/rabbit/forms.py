"""How Python's values become JSON: oslo.serialization's way, and kombu's.

Within the envelope oslo.messaging flattens what JSON lacks (a datetime becomes text, a set a list);
nothing tells the receiver what it was. A message without an envelope is encoded by kombu, which
marks such values with their type, so that they come back as what they were.

What has no form is an `EncodeError`: where the real library would send nothing, and let the
caller wait, the sender is told.
"""

import base64
import datetime
import decimal
import ipaddress
import json
import uuid
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

from mainspring.messaging.errors import EncodeError

__all__ = ["dumps", "dumps_marked", "loads", "loads_marked", "quoted"]

# JSON of a text, as the standard encoder writes it.
quoted: Callable[[str], str] = encode_basestring_ascii

_AS_TEXT = (uuid.UUID, decimal.Decimal, ipaddress.IPv4Address, ipaddress.IPv6Address)


def _flattened(value: Any) -> Any:
    """Returns what JSON has instead of a value that it doesn't know."""
    if isinstance(value, bytes | bytearray):
        return value.decode()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, datetime.date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, _AS_TEXT) or type(value).__module__.partition(".")[0] == "netaddr":
        return str(value)
    if isinstance(value, Exception):
        return repr(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset) or type(value).__name__ in _ITERATED:
        return list(value)
    raise EncodeError(
        f"{value!r} of type {type(value).__qualname__} can't be sent; make it a dict, a list, "
        f"a text or a number first"
    )


_ITERATED = {"dict_keys", "dict_values", "map", "filter", "range", "deque", "zip"}


def _marked(value: Any) -> Any:
    """Returns a value with its type beside it, as kombu marks it."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        name = type(value).__name__
        return {"__type__": name, "__value__": value.isoformat()}
    if isinstance(value, decimal.Decimal):
        return {"__type__": "decimal", "__value__": str(value)}
    if isinstance(value, uuid.UUID):
        return {"__type__": "uuid", "__value__": {"hex": value.hex}}
    if isinstance(value, bytes):
        try:
            return {"__type__": "bytes", "__value__": value.decode()}
        except UnicodeDecodeError:
            return {"__type__": "base64", "__value__": base64.b64encode(value).decode()}
    return _flattened(value)


_FROM_MARKS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.datetime.fromisoformat,
    "date": lambda text: datetime.datetime.fromisoformat(text).date(),
    "time": datetime.time.fromisoformat,
    "decimal": decimal.Decimal,
    "uuid": lambda parts: uuid.UUID(**parts),
    "bytes": lambda text: text.encode(),
    "base64": base64.b64decode,
}


def _unmarked(found: dict[str, Any]) -> Any:
    if len(found) == 2 and "__type__" in found and "__value__" in found:
        kind = found["__type__"]
        if kind not in _FROM_MARKS:
            raise ValueError(f"{kind!r} is no type that kombu marks values with")
        return _FROM_MARKS[kind](found["__value__"])
    return found


_flat_encode = json.JSONEncoder(default=_flattened).encode
_marked_encode = json.JSONEncoder(default=_marked).encode
_decode = json.JSONDecoder().decode
_marked_decode = json.JSONDecoder(object_hook=_unmarked).decode


def dumps(value: Any) -> str:
    """Returns JSON as oslo.serialization writes it.

    Parameters:
        value: plain data; or dates, UUIDs, decimals, sets, addresses, `bytes` that are UTF-8.

    Raises:
        EncodeError: a value has no form.
    """
    return _encoded(_flat_encode, value)


def dumps_marked(value: Any) -> str:
    """Returns JSON as kombu writes it; parameters and errors as for `dumps`."""
    return _encoded(_marked_encode, value)


def _encoded(encode: Callable[[Any], str], value: Any) -> str:
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError, OverflowError) as exc:
        if isinstance(exc, EncodeError):
            raise
        raise EncodeError(f"a value can't be sent: {exc}") from exc


def loads(text: str) -> Any:
    """Returns what JSON says.

    Raises:
        ValueError: it isn't JSON.
    """
    return _decode(text)


def loads_marked(text: str) -> Any:
    """Returns what JSON says, with the values that kombu has marked as what they were.

    Raises:
        ValueError: it isn't JSON, or a mark is unknown or wrong.
    """
    try:
        return _marked_decode(text)
    except (TypeError, AttributeError, decimal.InvalidOperation) as exc:
        raise ValueError(f"a marked value can't be read: {exc}") from exc
