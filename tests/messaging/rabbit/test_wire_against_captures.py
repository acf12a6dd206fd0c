"""The codec against what the real oslo.messaging has put on a real broker, byte by byte."""

import pytest

from mainspring.messaging.rabbit.envelope import decompress
from mainspring.messaging.rabbit.wire import (
    decode_notification,
    decode_request,
    decode_response,
    encode_notification,
    encode_request,
    encode_response,
)

from .captured import RELEASES, SCENARIOS, published


def plain(event):
    """Returns the body, decompressed if it was compressed."""
    content = event["properties"].get("headers", {}).get("compression")
    return decompress(event["body"], content) if content else event["body"]


def bodies(release, scenario, side):
    return [plain(event) for event in published(release, scenario, side)]


CALLS = [name for name in SCENARIOS if name != "notifications"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("scenario", CALLS)
def test_a_request_that_is_decoded_and_encoded_again_is_the_same_bytes(release, scenario):
    found = bodies(release, scenario, "client")
    assert found
    for body in found:
        request = decode_request(body, "capture", "one")
        assert encode_request(request, request.reply_to) == body


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("scenario", CALLS)
def test_a_response_that_is_decoded_and_encoded_again_is_the_same_bytes(release, scenario):
    found = bodies(release, scenario, "server")
    assert found
    for body in found:
        response = decode_response(body)
        # The id of a response itself is of no use, and so isn't kept.
        unique_id = body.decode().rpartition('\\"_unique_id\\": \\"')[2][:32]
        assert encode_response(response, unique_id) == body


@pytest.mark.parametrize("release", RELEASES)
def test_both_forms_of_a_notification_are_the_same_bytes_again(release):
    found = bodies(release, "notifications", "client")
    forms = []
    for body in found:
        notification = decode_notification(body, "events", "info")
        forms.append(notification.enveloped)
        assert encode_notification(notification) == body
    assert forms == [True, False]


@pytest.mark.parametrize("release", RELEASES)
def test_a_call_says_what_was_called_and_by_whom(release):
    (body,) = bodies(release, "call", "client")
    request = decode_request(body, "capture", "one")
    assert (request.method, request.args) == ("echo", {"value": {"é": [1, 2.5, None]}})
    assert request.context == {"user": "bob", "request_id": "req-1"}
    assert request.reply_to.startswith("reply_")
    assert request.monitor is None


@pytest.mark.parametrize("release", RELEASES)
def test_a_call_to_one_server_has_its_namespace_and_version(release):
    (body,) = bodies(release, "call_one_server", "client")
    target = decode_request(body, "capture", "one").target
    assert (target.namespace, target.version) == ("space", "1.1")


@pytest.mark.parametrize("release", RELEASES)
def test_a_cast_wants_no_reply(release):
    request = decode_request(bodies(release, "cast", "client")[0], "capture", "one")
    assert (request.msg_id, request.reply_to) == (None, None)


@pytest.mark.parametrize("release", RELEASES)
def test_a_failure_keeps_its_class_its_arguments_and_its_traceback(release):
    first, second = [decode_response(body).failure for body in bodies(release, "failure", "server")]
    assert (first.name, first.module, first.args) == ("ValueError", "builtins", ("bad",))
    assert first.traceback[-1] == "ValueError: bad\n"
    assert (second.name, second.args) == ("KeyError", ("k",))


@pytest.mark.parametrize("release", RELEASES)
def test_a_monitored_call_is_kept_alive_by_responses_that_do_not_end_it(release):
    responses = [decode_response(body) for body in bodies(release, "monitored", "server")]
    assert [response.ending for response in responses] == [False] * (len(responses) - 1) + [True]
    assert len(responses) >= 2
    assert responses[-1].result == 2.5


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("scenario", "content"), [("gzip", "application/x-gzip"), ("bz2", "application/x-bz2")]
)
def test_a_compressed_message_says_so_in_its_headers(release, scenario, content):
    for side in ("client", "server"):
        for event in published(release, scenario, side):
            assert event["properties"]["headers"] == {"compression": content}
