"""The bodies and headers of the wire: what is written in docs/reference/nats.md, byte for byte."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.failures import failure_of
from mainspring.messaging.messages import Notification, Request, Response, Trace
from mainspring.messaging.nats.errors import MalformedMessage
from mainspring.messaging.nats.wire import (
    TargetsOf,
    decode_cancel,
    decode_notification,
    decode_request,
    decode_response,
    encode_cancel,
    encode_notification,
    encode_request,
    encode_response,
    headers_of,
    renewed,
)
from mainspring.messaging.target import Target

NOW = 1000.0
TARGETS = TargetsOf(Target(topic="math", server="one"))

atoms = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
) | st.binary()
plain = st.recursive(
    atoms, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


def same(one, other):
    """Tells whether two values are the same, not-a-numbers included."""
    return msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)


def call(**fields):
    """Returns a call."""
    made = Request(Target(topic="math"), "add", {"a": 1, "b": 2})
    made.msg_id = made.unique_id = "0123"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def read(body, headers=None, reply="_INBOX.x.0123"):
    return decode_request(body, headers, reply, TARGETS, NOW)[0]


def test_a_call_is_json_that_says_what_is_called_and_nothing_that_is_not_so():
    assert encode_request(call(), NOW) == b'{"method":"add","args":{"a":1,"b":2},"id":"0123"}'
    cast = call(msg_id=None)
    assert json.loads(encode_request(cast, NOW))["cast"] is True


def test_all_that_a_request_says_is_read_again():
    sent = call(
        target=Target(topic="math", namespace="ns", version="1.1"),
        deadline=NOW + 5,
        monitor=4.0,
        priority=-1,
        context={"user": "bob"},
        trace=Trace("00-1-2-01", "a=b"),
        headers={"shop": "north"},
    )
    headers = headers_of(sent)
    assert headers == {"shop": "north", "traceparent": "00-1-2-01", "tracestate": "a=b"}
    got = read(encode_request(sent, NOW), headers)
    assert (got.target.namespace, got.target.version) == ("ns", "1.1")
    assert (got.target.topic, got.target.server) == ("math", "one")
    assert abs(got.deadline - sent.deadline) < 0.1
    assert (got.monitor, got.priority, got.context) == (4.0, -1, {"user": "bob"})
    assert (got.trace, got.headers) == (sent.trace, {"shop": "north"})
    assert (got.msg_id, got.unique_id, got.reply_to) == ("0123", "0123", "_INBOX.x.0123")


def test_a_request_that_says_no_more_than_it_must_is_one():
    got = read(b' {"method": "add", "args": {"a": 1}, "unknown": 7}', reply="_INBOX.y")
    assert (got.method, got.args, got.msg_id, got.unique_id) == ("add", {"a": 1}, "_INBOX.y", None)
    assert read(b'{"method": "add"}', reply="").msg_id is None


@given(plain)
def test_a_value_comes_out_as_it_went_in(value):
    got = read(encode_request(call(args={"value": value}), NOW))
    assert same(got.args, {"value": value})
    response = Response("0123", value)
    assert same(decode_response(encode_response(response), None, "0123").result, value)


@pytest.mark.parametrize("value", [b"\xff", math.inf, math.nan, [{"deep": b"x"}]])
def test_what_json_cannot_carry_is_sent_as_messagepack(value):
    assert encode_response(Response("0123", 1.5))[:1] == b"{"
    body = encode_response(Response("0123", value))
    assert body[:1] != b"{"
    assert same(msgspec.msgpack.decode(body), {"result": value})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "can't be sent"),
        ({1: 2}, "keys of a dict are str"),
        ({"k": {3}}, "can't be sent"),
    ],
)
def test_what_is_no_plain_data_is_refused(value, words):
    with pytest.raises(EncodeError, match=words):
        encode_request(call(args={"value": value}), NOW)
    with pytest.raises(EncodeError, match=words):
        encode_response(Response("0123", value))


def test_a_result_that_is_none_is_said():
    assert encode_response(Response("0123", None)) == b'{"result":null}'


def test_a_sign_of_life_ends_nothing():
    sign = Response("0123")
    sign.ending = False
    assert encode_response(sign) == b'{"alive":true}'
    assert not decode_response(b'{"alive":true}', None, "0123").ending


def test_a_failure_keeps_its_arguments_its_causes_and_its_members():
    try:
        try:
            raise KeyError("inner")
        except KeyError as exc:
            raise ExceptionGroup("outer", [ValueError(1), TypeError(2, "x")]) from exc
    except ExceptionGroup as exc:
        failure = failure_of(exc)
    response = Response("0123")
    response.failure = failure
    got = decode_response(encode_response(response), None, "0123").failure
    assert (got.name, got.module, got.args) == ("ExceptionGroup", "builtins", ("outer",))
    assert (got.cause.name, got.cause.args) == ("KeyError", ("inner",))
    assert [(each.name, each.args) for each in got.exceptions] == [
        ("ValueError", (1,)),
        ("TypeError", (2, "x")),
    ]
    assert "".join(got.traceback) == "".join(failure.traceback)


def test_a_notification_is_read_again():
    sent = Notification(Target(topic="t"), "made", "me", "info", {"n": 1})
    sent.unique_id, sent.message_id, sent.timestamp = "1", "2", "3"
    sent.context = {"user": "bob"}
    got, attempt = decode_notification(
        encode_notification(sent, attempt=2), None, sent.target, "info"
    )
    for name in ("event_type", "publisher_id", "priority", "payload", "unique_id", "message_id"):
        assert getattr(got, name) == getattr(sent, name)
    assert (got.timestamp, got.context, attempt) == ("3", {"user": "bob"}, 2)


def test_a_cancellation_names_the_call():
    assert encode_cancel("0123") == b'{"id":"0123"}'
    assert decode_cancel(b'{"id":"0123"}') == "0123"


def test_a_request_that_has_waited_says_what_is_left_of_its_time():
    body = encode_request(call(deadline=NOW + 10), NOW)
    assert json.loads(body)["timeout_ms"] == 10_000
    assert json.loads(renewed(body, NOW + 10, NOW + 4))["timeout_ms"] == 6000


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{}", b"[1]", b'{"method": 7}', b"x"])
def test_what_is_no_message_is_told_apart(body):
    for decode in (
        lambda: read(body),
        lambda: decode_response(body, None, "0123"),
        lambda: decode_notification(body, None, Target(topic="t"), "info"),
        lambda: decode_cancel(body),
    ):
        with pytest.raises(MalformedMessage):
            decode()


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"a": "b\r\nc"}, {"a": " b"}, {"é": "b"}])
def test_a_header_that_would_not_arrive_as_it_is_is_refused(headers):
    with pytest.raises(EncodeError):
        headers_of(call(headers=headers))


@given(st.binary(max_size=60))
def test_anything_that_comes_is_read_or_refused(body):
    try:
        read(body)
    except MalformedMessage:
        pass
