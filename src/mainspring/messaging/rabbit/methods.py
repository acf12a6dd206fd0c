"""AMQP's methods as bytes: the few that are sent for each message by hand, the rest by pamqp.

A publication is one method frame, one header frame and the body; all but the body's bytes, its
length and the expiration is the same for each message to one address, and so is kept.
"""

from functools import lru_cache
from struct import Struct
from typing import Any

from pamqp import base, commands, decode, encode, frame

__all__ = [
    "HEARTBEAT",
    "PROTOCOL_HEADER",
    "Method",
    "ack_frame",
    "commands",
    "content_frames",
    "decode_method",
    "encode_method",
    "headers_of",
    "publish_frame",
    "reject_frame",
    "table",
]

Method = base.Frame

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"

_ACK = Struct(">BHIHHQBB").pack
_HEADER = Struct(">BHIHHQH").pack
_FRAME = Struct(">BHI").pack
_METHOD = Struct(">BHIHH").pack
_BASIC = 60
_PUBLISH = 40
_ACKED = 80
_REJECTED = 90
_END = b"\xce"
# Which properties follow, in this order.
_CONTENT_TYPE = 1 << 15
_CONTENT_ENCODING = 1 << 14
_HEADERS = 1 << 13
_DELIVERY_MODE = 1 << 12
_PRIORITY = 1 << 11
_EXPIRATION = 1 << 8
_ALWAYS = _CONTENT_TYPE | _CONTENT_ENCODING | _HEADERS | _DELIVERY_MODE | _PRIORITY
_BEFORE_HEADERS = b"\x10application/json\x05utf-8"
# Kept on disk where the queue is durable; no priority. As the real library says, for every message.
_AFTER_HEADERS = b"\x02\x00"


def ack_frame(channel: int, tag: int, multiple: bool = False) -> bytes:
    """Returns the frame that settles a delivery, or all up to it, as done."""
    return _ACK(1, channel, 13, _BASIC, _ACKED, tag, multiple, 0xCE)


def reject_frame(channel: int, tag: int, requeue: bool) -> bytes:
    """Returns the frame that gives a delivery back, or has it dropped."""
    return _ACK(1, channel, 13, _BASIC, _REJECTED, tag, requeue, 0xCE)


@lru_cache(maxsize=4096)
def publish_frame(channel: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:
    """Returns the method frame that a message begins with.

    Raises:
        ValueError: a name is longer than 255 bytes.
    """
    arguments = b"\x00\x00" + _short(exchange) + _short(routing_key) + bytes([mandatory])
    return _METHOD(1, channel, len(arguments) + 4, _BASIC, _PUBLISH) + arguments + _END


def content_frames(
    channel: int, body: bytes, frame_max: int, headers: bytes = b"", expiration: int | None = None
) -> list[bytes]:
    """Returns the pieces of a message's header frame and body frames.

    Parameters:
        channel: the channel.
        body: the message.
        frame_max: the longest frame that the broker takes.
        headers: a table without its length; as `table` makes it.
        expiration: after how many milliseconds the broker may drop it; None: never.
    """
    length = len(headers)
    size = 14 + len(_BEFORE_HEADERS) + 4 + length + 2
    flags, tail = _ALWAYS, _AFTER_HEADERS
    if expiration is not None:
        text = b"%d" % expiration
        tail += bytes([len(text)]) + text
        size += 1 + len(text)
        flags |= _EXPIRATION
    pieces = [
        _HEADER(2, channel, size, _BASIC, 0, len(body), flags),
        _BEFORE_HEADERS,
        length.to_bytes(4),
        headers,
        tail,
        _END,
    ]
    room = frame_max - 8
    if len(body) <= room:
        if body:
            pieces += (_FRAME(3, channel, len(body)), body, _END)
        return pieces
    for start in range(0, len(body), room):
        part = body[start : start + room]
        pieces += (_FRAME(3, channel, len(part)), part, _END)
    return pieces


def _short(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"a name of {len(data)} bytes; AMQP takes 255: {text!r:.100}")
    return bytes([len(data)]) + data


def table(entries: dict[str, Any]) -> bytes:
    """Returns a table without its length.

    Parameters:
        entries: names, and texts or numbers.
    """
    return encode.field_table(entries)[4:]


def headers_of(data: bytes | None) -> dict[str, Any]:
    """Returns what a table without its length holds; an empty one for None.

    Raises:
        ValueError: it can't be read.
    """
    if data is None:
        return {}
    try:
        return dict(decode.field_table(len(data).to_bytes(4) + data)[1])
    except Exception as exc:
        # pamqp lets through whatever broken data makes of its decoding.
        raise ValueError(f"headers that can't be read: {exc}") from exc


def encode_method(method: Method, channel: int) -> bytes:
    """Returns the frame of any method."""
    return frame.marshal(method, channel)


def decode_method(number: int, arguments: bytes) -> Method:
    """Returns the method that a frame held.

    Parameters:
        number: its class and its method, in 16 bits each.
        arguments: the bytes after the number.

    Raises:
        ValueError: there is no such method, or the arguments can't be read.
    """
    kind = commands.INDEX_MAPPING.get(number)
    if kind is None:
        raise ValueError(f"AMQP 0-9-1 has no method {number >> 16}.{number & 0xFFFF}")
    method: Method = kind()
    try:
        method.unmarshal(arguments)
    except Exception as exc:
        raise ValueError(f"{method.name} that can't be read: {exc}") from exc
    return method
