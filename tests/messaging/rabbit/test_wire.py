"""The codec alone: what goes round comes round, and what can't be read or sent is refused."""

import bz2
import datetime
import decimal
import gzip
import json
import uuid
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.messages import Failure, Notification, Request, Response, Trace
from mainspring.messaging.rabbit.envelope import (
    COMPRESSIONS,
    MalformedMessage,
    compress,
    decompress,
    unwrap,
    wrap,
)
from mainspring.messaging.rabbit.failures import decode_failure, encode_failure
from mainspring.messaging.rabbit.wire import (
    decode_cancel,
    decode_notification,
    decode_request,
    decode_response,
    encode_cancel,
    encode_notification,
    encode_request,
    encode_response,
)
from mainspring.messaging.target import Target

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
names = st.text(min_size=1)


@given(names, st.dictionaries(st.text(), values), st.dictionaries(names, values), names)
def test_a_call_comes_out_as_it_went_in(method, args, context, msg_id):
    request = Request(Target(topic="t", namespace="n", version="1.2"), method, args)
    request.msg_id, request.unique_id, request.monitor = msg_id, "u", 3
    request.context = {name: value for name, value in context.items() if name[:5] != "trace"}
    request.trace = Trace("00-1-2-01", "a=b")
    got = decode_request(encode_request(request, "reply_1"), "t", "s")
    assert got.target == Target(topic="t", server="s", namespace="n", version="1.2")
    assert (got.method, got.args, got.msg_id, got.monitor) == (method, args, msg_id, 3)
    assert (got.context, got.trace) == (request.context, request.trace)
    assert (got.unique_id, got.reply_to) == ("u", "reply_1")


@given(values)
def test_a_result_comes_out_as_it_went_in(result):
    response = decode_response(encode_response(Response("m", result), "u"))
    assert (response.msg_id, response.ending, response.failure) == ("m", True, None)
    assert response.result == result


@given(values, st.booleans())
def test_a_notification_comes_out_as_it_went_in(payload, enveloped):
    notification = Notification(Target(topic="t"), "made", "me", "info", payload)
    notification.enveloped = enveloped
    notification.message_id, notification.timestamp = "id", "2026-11-20 22:03:09.661344"
    if payload == {"__type__": payload, "__value__": payload}:
        return
    got = decode_notification(encode_notification(notification), "t", "info")
    assert (got.event_type, got.publisher_id, got.priority) == ("made", "me", "info")
    assert (got.payload, got.enveloped) == (payload, enveloped)
    assert (got.message_id, got.timestamp) == ("id", notification.timestamp)


MOMENT = datetime.datetime(2026, 11, 20, 22, 3, 9, 661344, tzinfo=datetime.UTC)
NUMBER = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MOMENT, "2026-11-20T22:03:09.661344"),
        (MOMENT.date(), "2026-11-20"),
        (NUMBER, str(NUMBER)),
        (decimal.Decimal("1.50"), "1.50"),
        ({1}, [1]),
        ((1, 2), [1, 2]),
        (b"text", "text"),
        ({1: "a"}, {"1": "a"}),
        (KeyError("k"), "KeyError('k')"),
    ],
)
def test_in_an_envelope_what_json_lacks_becomes_what_oslo_makes_of_it(value, expected):
    response = decode_response(encode_response(Response("m", value), "u"))
    assert response.result == expected


@pytest.mark.parametrize(
    "value",
    [MOMENT, MOMENT.date(), MOMENT.time(), decimal.Decimal("1.50"), NUMBER, b"\xff"],
)
def test_without_an_envelope_a_value_keeps_its_type(value):
    notification = Notification(Target(topic="t"), "made", "me", "info", {"value": value})
    notification.enveloped = False
    got = decode_notification(encode_notification(notification), "t", "info").payload["value"]
    assert got == (value.encode() if isinstance(value, str) else value)
    assert type(got) is type(value)


def test_what_has_no_form_is_refused_and_named():
    with pytest.raises(EncodeError, match="of type object can't be sent"):
        encode_response(Response("m", object()), "u")


def test_a_value_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(EncodeError, match="Circular"):
        encode_response(Response("m", loop), "u")


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(EncodeError, match="can't decode byte 0xff"):
        encode_response(Response("m", b"\xff"), "u")


def test_a_failure_keeps_its_causes():
    cause = Failure("OSError", "builtins", "deep", (5,), traceback=("line\n",))
    failure = Failure("Worse", "app.errors", "top", (), {"code": 7}, ("a\n", "b\n"), cause)
    assert decode_failure(encode_failure(failure)) == failure


def test_a_failure_whose_arguments_have_no_form_is_sent_with_what_repr_says():
    failure = Failure("E", "m", "text", (object, 1), {"k": {2}, "o": object})
    got = decode_failure(encode_failure(failure))
    assert (got.args, got.kwargs) == ((repr(object), 1), {"k": [2], "o": repr(object)})


def test_an_exception_that_has_come_from_elsewhere_gets_its_own_name_back():
    got = decode_failure(encode_failure(Failure("E_Remote", "m_Remote", "text")))
    assert (got.name, got.module) == ("E", "m")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"{",
        b'{"oslo.version": "2.1", "oslo.message": "{}"}',
        b'{"oslo.version": "3.0", "oslo.message": "{}"}',
        b'{"oslo.version": null, "oslo.message": "{}"}',
        b'{"oslo.version": "2.0", "oslo.message": {}}',
        b'{"oslo.version": "2.0", "oslo.message": "[]"}',
        b'{"oslo.version": "2.0", "oslo.message": "{"}',
        b'{"v": {"__type__": "who knows", "__value__": 1}}',
        b'{"v": {"__type__": "datetime", "__value__": 1}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_malformed(body):
    with pytest.raises(MalformedMessage):
        unwrap(body)


@given(st.binary())
def test_nothing_but_malformed_is_raised_for_any_bytes(body):
    for decode in (
        lambda: decode_request(body, "t", None),
        lambda: decode_response(body),
        lambda: decode_notification(body, "t", "info"),
    ):
        with pytest.raises(MalformedMessage):
            decode()


@pytest.mark.parametrize(
    "message",
    [{}, {"method": 1}, {"method": "m", "args": []}, {"method": None, "args": {}}],
)
def test_a_request_without_a_method_or_with_odd_arguments_is_malformed(message):
    with pytest.raises(MalformedMessage):
        decode_request(wrap(message), "t", None)


def test_a_message_from_before_envelopes_is_understood():
    message = {"method": "m", "args": {}, "_context_user": "bob"}
    request = decode_request(json.dumps(message).encode(), "t", None)
    assert (request.method, request.context, request.unique_id) == ("m", {"user": "bob"}, None)


def test_text_that_is_not_escaped_is_understood():
    inner = json.dumps({"method": "é", "args": {}}, ensure_ascii=False)
    outer = {"oslo.version": "2.0", "oslo.message": inner}
    body = json.dumps(outer, ensure_ascii=False).encode()
    assert decode_request(body, "t", None).method == "é"


def test_not_a_number_is_a_number_on_this_wire():
    result = decode_response(encode_response(Response("m", float("nan")), "u")).result
    assert result != result


@given(st.binary(), st.sampled_from(sorted(COMPRESSIONS)))
def test_what_is_compressed_can_be_decompressed(body, name):
    content = COMPRESSIONS[name]
    assert decompress(compress(body, content), content) == body


def test_gzip_with_a_head_of_its_own_is_understood():
    assert decompress(gzip.compress(b"body"), "application/x-gzip") == b"body"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"", "application/x-gzip"),
        (zlib.compress(b"body")[:-1], "application/x-gzip"),
        (b"nonsense", "application/x-bz2"),
        (bz2.compress(b"body")[:-1], "application/x-bz2"),
        (b"body", "application/x-unheard-of"),
    ],
)
def test_what_cannot_be_decompressed_is_malformed(body, content):
    with pytest.raises(MalformedMessage):
        decompress(body, content)


def test_a_cancellation_names_its_call():
    assert decode_cancel(encode_cancel("m")).msg_id == "m"
    with pytest.raises(MalformedMessage):
        decode_cancel(wrap({}))
