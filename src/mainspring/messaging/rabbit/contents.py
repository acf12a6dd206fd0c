"""What a delivered message says outside its body: compression, deadline, headers.

`mainspring-expires` is the time of day when the caller of a call stops waiting, in milliseconds,
and `mainspring-priority` the priority of a task; both are headers, which the real library doesn't
read. What is left of a deadline is the expiration, which it sends too.
"""

import struct
from collections.abc import Mapping
from typing import Any

from mainspring.messaging.deadlines import TravellingDeadline, arrive, leave
from mainspring.messaging.messages import Message, Request
from mainspring.messaging.rabbit.envelope import MalformedMessage, decompress
from mainspring.messaging.rabbit.frames import Content
from mainspring.messaging.rabbit.methods import headers_of, table

__all__ = ["attempt_of", "body_of", "read_headers", "request_headers"]

EXPIRES = "mainspring-expires"
PRIORITY = "mainspring-priority"
COMPRESSION = "compression"
_DELIVERY_COUNT = "x-delivery-count"
# The table that most calls have: nothing but the time of day, as a 64-bit number.
_EXPIRES_ENTRY = bytes([len(EXPIRES)]) + EXPIRES.encode() + b"l"
_ONLY_EXPIRES = len(_EXPIRES_ENTRY) + 8
_number = struct.Struct(">q")


def request_headers(message: Message, now: float, compression: str, extensions: bool) -> bytes:
    """Returns the headers of a request or a notification, as a table without its length.

    Parameters:
        message: the message.
        now: the loop's time.
        compression: how the body is compressed; empty if it isn't.
        extensions: whether to send what the real library doesn't know.
    """
    found = b""
    if compression:
        found = table({COMPRESSION: compression})
    if not extensions:
        return found
    if isinstance(message, Request):
        if message.deadline is not None and message.msg_id is not None:
            expires = leave(message.deadline, now).expires_ms or 0
            found += _EXPIRES_ENTRY + _number.pack(expires)
        if message.priority is not None:
            found += table({PRIORITY: message.priority})
    if message.headers:
        found += table(dict(message.headers))
    return found


def body_of(content: Content) -> bytes:
    """Returns the body, decompressed if it says that it is compressed.

    Raises:
        MalformedMessage: it can't be.
    """
    headers = content.headers
    if headers is None or COMPRESSION.encode() not in headers:
        return content.body
    try:
        compression = headers_of(headers).get(COMPRESSION)
    except ValueError as exc:
        raise MalformedMessage(str(exc)) from exc
    return decompress(content.body, str(compression)) if compression else content.body


def read_headers(content: Content, message: Message, now: float) -> None:
    """Gives a message what was sent outside its body.

    Parameters:
        content: what came.
        message: gets its deadline, its priority and its headers.
        now: the loop's time.

    Raises:
        MalformedMessage: the headers can't be read.
    """
    raw, expires = content.headers, None
    if raw is not None:
        if len(raw) == _ONLY_EXPIRES and raw.startswith(_EXPIRES_ENTRY):
            (expires,) = _number.unpack_from(raw, len(_EXPIRES_ENTRY))
        else:
            expires = _read_table(raw, message)
    text = content.expiration
    if text and text.isdigit() and isinstance(message, Request) and message.msg_id is not None:
        message.deadline = arrive(TravellingDeadline(int(text), expires), now)


def _read_table(raw: bytes, message: Message) -> int | None:
    try:
        found: Mapping[str, Any] = headers_of(raw)
    except ValueError as exc:
        raise MalformedMessage(str(exc)) from exc
    priority = found.get(PRIORITY)
    if isinstance(priority, int) and isinstance(message, Request):
        message.priority = priority
    rest = {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and name != COMPRESSION
    }
    if rest:
        message.headers = rest
    expires = found.get(EXPIRES)
    return expires if isinstance(expires, int) else None


def attempt_of(content: Content) -> int:
    """Returns which delivery this is: counted by a quorum queue, else 1 or 2."""
    if content.headers is not None and _DELIVERY_COUNT.encode() in content.headers:
        try:
            count = headers_of(content.headers).get(_DELIVERY_COUNT)
        except ValueError:
            count = None
        if isinstance(count, int):
            return count + 1
    return 2 if content.redelivered else 1
