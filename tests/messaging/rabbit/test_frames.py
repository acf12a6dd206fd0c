"""The frame reader: the same messages in whatever pieces; of any bytes, an error at worst."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pamqp import commands

from mainspring.messaging.rabbit.frames import Content, FrameError, FrameReader
from mainspring.messaging.rabbit.methods import (
    HEARTBEAT,
    ack_frame,
    content_frames,
    decode_method,
    encode_method,
    headers_of,
    publish_frame,
    reject_frame,
    table,
)

FRAME_MAX = 4096
# pamqp encodes what is to be read; on a busy machine that takes its time.
slowly = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


class Sink:
    """Keeps what a reader finds."""

    def __init__(self):
        self.found = []

    def on_content(self, content):
        self.found.append(
            (
                content.channel,
                content.consumer_tag,
                content.delivery_tag,
                content.redelivered,
                content.reply_code,
                content.exchange,
                content.routing_key,
                content.content_type,
                content.expiration,
                headers_of(content.headers),
                content.body,
            )
        )

    def on_confirm(self, *what):
        self.found.append(what)

    def on_method(self, channel, number, arguments):
        method = decode_method(number, arguments)
        self.found.append((channel, method.name, dict(method)))


def read(data, cuts=()):
    """Returns what a reader finds in data that comes in pieces."""
    sink = Sink()
    reader = FrameReader(sink, FRAME_MAX)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        reader.feed(data[start:end])
    reader.close()
    return sink.found


names = st.text(max_size=30)
bodies = st.binary(max_size=3 * FRAME_MAX)
# pamqp, which encodes for these tests, is narrower than AMQP.
tags = st.integers(0, 2**63 - 1)
plain = st.text("abc-_.:", max_size=30)
headers = st.dictionaries(names, st.text(max_size=10) | st.integers(-(2**31), 2**31), max_size=3)


@st.composite
def deliveries(draw):
    """A delivery: its bytes, and what is to be found in them."""
    channel, tag = draw(st.integers(1, 65535)), draw(tags)
    consumer, exchange, key = draw(names), draw(plain), draw(names)
    redelivered, body = draw(st.booleans()), draw(bodies)
    expiration, found = draw(st.none() | st.integers(0, 10**9)), draw(headers)
    method = commands.Basic.Deliver(consumer, tag, redelivered, exchange, key)
    pieces = content_frames(channel, body, FRAME_MAX, table(found), expiration)
    data = encode_method(method, channel) + b"".join(pieces)
    text = None if expiration is None else str(expiration)
    what = (channel, consumer, tag, redelivered, 0, exchange, key, "application/json", text)
    return data, (*what, found, body)


@st.composite
def others(draw):
    """A confirm, a heartbeat or another method."""
    channel, tag = draw(st.integers(1, 65535)), draw(tags)
    kind = draw(st.integers(0, 3))
    if kind == 0:
        multiple = draw(st.booleans())
        return ack_frame(channel, tag, multiple), (channel, tag, multiple, True)
    if kind == 1:
        return encode_method(commands.Basic.Nack(tag, True), channel), (channel, tag, True, False)
    if kind == 2:
        return HEARTBEAT, None
    method = commands.Queue.DeclareOk(draw(plain), 1, 2)
    return encode_method(method, channel), (channel, method.name, dict(method))


@slowly
@given(st.lists(deliveries() | others(), max_size=6), st.lists(st.integers(0, 30_000), max_size=8))
def test_whatever_the_pieces_the_same_is_found(parts, cuts):
    data = b"".join(data for data, _ in parts)
    expected = [what for _, what in parts if what is not None]
    assert read(data, cuts) == expected
    assert read(data) == expected


@slowly
@given(deliveries(), st.data())
def test_with_one_byte_changed_it_is_an_error_at_worst(delivery, data):
    text = bytearray(delivery[0])
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(text))
    except (FrameError, ValueError):
        pass


@given(st.binary(max_size=300))
def test_any_bytes_are_an_error_at_worst(data):
    try:
        read(data)
    except (FrameError, ValueError):
        pass


@slowly
@given(deliveries())
def test_what_ends_early_is_waited_for(delivery):
    data, expected = delivery
    sink = Sink()
    reader = FrameReader(sink, FRAME_MAX)
    reader.feed(data[:-1])
    assert sink.found == []
    reader.feed(data[-1:])
    assert sink.found == [expected]


def test_a_return_says_why_and_what():
    method = commands.Basic.Return(312, "NO_ROUTE", "ex", "key")
    data = encode_method(method, 3) + b"".join(content_frames(3, b"body", FRAME_MAX))
    ((channel, tag, _, _, code, exchange, key, *_, body),) = read(data)
    assert (channel, tag, code, exchange, key, body) == (3, None, 312, "ex", "key", b"body")


def test_messages_of_different_channels_may_be_interleaved():
    first = encode_method(commands.Basic.Deliver("1", 1, False, "", "a"), 1)
    second = encode_method(commands.Basic.Deliver("1", 1, False, "", "b"), 2)
    one = content_frames(1, b"x" * 10, FRAME_MAX)
    two = content_frames(2, b"y" * 10, FRAME_MAX)
    data = b"".join([first, second, *two[:6], *one[:6], *one[6:], *two[6:]])
    assert [(found[0], found[-1]) for found in read(data)] == [(1, b"x" * 10), (2, b"y" * 10)]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"AMQP\x00\x00\x09\x01",
        # Longer than agreed.
        b"\x01\x00\x01\x00\x01\x00\x00",
        # Another end than 0xCE.
        b"\x08\x00\x00\x00\x00\x00\x00\x00",
        # A body, a header and a second message where there is no first.
        b"\x03\x00\x01\x00\x00\x00\x01x\xce",
        b"".join(content_frames(1, b"body", FRAME_MAX)),
        encode_method(commands.Basic.Deliver("1", 1, False, "", "a"), 1) * 2,
        # A type that there isn't.
        b"\x05\x00\x01\x00\x00\x00\x00\xce",
    ],
)
def test_what_is_no_amqp_or_out_of_place_is_an_error(data):
    with pytest.raises(FrameError):
        read(data)


def test_a_body_that_is_longer_than_it_said_is_an_error():
    method = encode_method(commands.Basic.Deliver("1", 1, False, "", "a"), 1)
    pieces = content_frames(1, b"body", FRAME_MAX)
    longer = [*pieces[:6], b"\x03\x00\x01\x00\x00\x00\x05", b"body!", b"\xce"]
    with pytest.raises(FrameError, match="belongs to no message"):
        read(method + b"".join(longer))


def test_a_closed_reader_calls_nobody():
    class Closing(Sink):
        def on_confirm(self, *what):
            super().on_confirm(*what)
            reader.close()

    sink = Closing()
    reader = FrameReader(sink, FRAME_MAX)
    reader.feed(ack_frame(1, 1) * 3)
    assert len(sink.found) == 1


def test_contents_are_made_by_readers_only():
    with pytest.raises(TypeError):
        Content()


@given(plain, names, st.booleans())
def test_a_publication_is_encoded_as_pamqp_would(exchange, key, mandatory):
    method = commands.Basic.Publish(0, exchange, key, mandatory)
    assert publish_frame(7, exchange, key, mandatory) == encode_method(method, 7)


@given(tags, st.booleans())
def test_settlements_are_encoded_as_pamqp_would(tag, flag):
    assert ack_frame(7, tag, flag) == encode_method(commands.Basic.Ack(tag, flag), 7)
    assert reject_frame(7, tag, flag) == encode_method(commands.Basic.Reject(tag, flag), 7)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="255"):
        publish_frame(1, "", "é" * 128, False)


def test_headers_that_cannot_be_read_are_an_error():
    with pytest.raises(ValueError, match="headers"):
        headers_of(b"\x05name")
    with pytest.raises(ValueError, match="no method"):
        decode_method(1 << 16, b"")
    with pytest.raises(ValueError, match=r"Queue\.DeclareOk"):
        decode_method((50 << 16) | 11, b"\xff")
