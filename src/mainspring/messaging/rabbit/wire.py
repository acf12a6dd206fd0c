"""The codec: requests, responses and notifications as oslo.messaging has them, and back.

Pure functions. What a message has beyond oslo.messaging's fields goes where the real library passes
over it: the trace context is two entries of the context, as its own tracing writes them; the rest
are AMQP headers (`headers_of`), and the deadline of a call is the message's expiration, which
RabbitMQ hands on.

The order of the keys is the real library's, so that bodies can be compared byte by byte.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mainspring.messaging.messages import Notification, Request, Response, Trace
from mainspring.messaging.rabbit.envelope import MalformedMessage, unwrap, wrap
from mainspring.messaging.rabbit.failures import decode_failure, encode_failure
from mainspring.messaging.rabbit.forms import dumps_marked
from mainspring.messaging.target import Target

__all__ = [
    "Cancel",
    "decode_cancel",
    "decode_notification",
    "decode_request",
    "decode_response",
    "encode_cancel",
    "encode_notification",
    "encode_request",
    "encode_response",
]

_CONTEXT = "_context_"
_TRACEPARENT = "traceparent"
_TRACESTATE = "tracestate"


class Cancel(NamedTuple):
    """The news that a caller has given a call up."""

    msg_id: str


def encode_request(request: Request, reply_queue: str | None) -> bytes:
    """Returns the body of a request.

    Parameters:
        request: the request.
        reply_queue: where the reply to a call goes; None for what isn't a call.

    Raises:
        EncodeError: an argument or a part of the context has no form.
    """
    target = request.target
    message: dict[str, Any] = {"method": request.method, "args": request.args}
    if target.namespace is not None:
        message["namespace"] = target.namespace
    if target.version is not None:
        message["version"] = target.version
    if request.msg_id is not None:
        message["_msg_id"] = request.msg_id
        message["_reply_q"] = reply_queue
        message["_timeout"] = request.monitor
    message["_unique_id"] = request.unique_id
    _add_context(message, request.context, request.trace)
    return wrap(message)


def decode_request(body: bytes, topic: str | None, server: str | None) -> Request:
    """Returns the request that a body holds.

    Parameters:
        body: what came, decompressed.
        topic: the topic of the server that got it.
        server: its name.

    Returns:
        A request whose `reply_to` is the name of the reply queue.

    Raises:
        MalformedMessage: the body holds no request.
    """
    message, _ = unwrap(body)
    method = message.get("method")
    args = message.get("args", {})
    if not isinstance(method, str) or not isinstance(args, dict):
        raise MalformedMessage(f"a request has a method and its arguments; got {message!r:.200}")
    target = Target(
        topic=topic,
        server=server,
        namespace=message.get("namespace"),
        version=message.get("version"),
    )
    request = Request(target, method, args)
    msg_id = message.get("_msg_id")
    if msg_id:
        request.msg_id = str(msg_id)
        request.reply_to = message.get("_reply_q")
        request.monitor = _positive(message.get("_timeout"))
    _take_common(request, message)
    return request


def encode_response(response: Response, unique_id: str) -> bytes:
    """Returns the body of a reply or of a sign of life.

    Raises:
        EncodeError: the result has no form.
    """
    failure = response.failure
    return wrap(
        {
            "result": response.result,
            "failure": None if failure is None else encode_failure(failure),
            "ending": response.ending,
            "_msg_id": response.msg_id,
            "_unique_id": unique_id,
        }
    )


def decode_response(body: bytes) -> Response:
    """Returns the response that a body holds.

    Raises:
        MalformedMessage: the body holds none.
    """
    message, _ = unwrap(body)
    msg_id = message.get("_msg_id")
    if not isinstance(msg_id, str):
        raise MalformedMessage(f"a reply names its call in _msg_id; got {message!r:.200}")
    response = Response(msg_id, message.get("result"))
    if message.get("failure"):
        response.failure = decode_failure(message["failure"])
    response.ending = bool(message.get("ending", False))
    return response


def encode_notification(notification: Notification) -> bytes:
    """Returns the body of a notification, in an envelope or in the first form.

    Raises:
        EncodeError: the payload or a part of the context has no form.
    """
    message: dict[str, Any] = {
        "message_id": notification.message_id,
        "publisher_id": notification.publisher_id,
        "event_type": notification.event_type,
        "priority": notification.priority.upper(),
        "payload": notification.payload,
        "timestamp": notification.timestamp,
        "_unique_id": notification.unique_id,
    }
    _add_context(message, notification.context, notification.trace)
    return wrap(message) if notification.enveloped else dumps_marked(message).encode()


def decode_notification(body: bytes, topic: str, priority: str) -> Notification:
    """Returns the notification that a body holds.

    Parameters:
        body: what came, decompressed.
        topic: the topic it was sent to.
        priority: the priority that it was sent to, for a message that says none itself.

    Raises:
        MalformedMessage: the body holds none.
    """
    message, enveloped = unwrap(body)
    if "event_type" not in message:
        raise MalformedMessage(f"a notification has an event_type; got {message!r:.200}")
    notification = Notification(
        Target(topic=topic),
        str(message["event_type"]),
        str(message.get("publisher_id", "")),
        str(message.get("priority", priority)).lower(),
        message.get("payload"),
    )
    notification.message_id = str(message.get("message_id", ""))
    notification.timestamp = str(message.get("timestamp", ""))
    notification.enveloped = enveloped
    _take_common(notification, message)
    return notification


def encode_cancel(msg_id: str) -> bytes:
    """Returns the body that tells a server of ours that nobody waits for a call any more."""
    return wrap({"_cancel": msg_id})


def decode_cancel(body: bytes) -> Cancel:
    """Returns what `encode_cancel` has written.

    Raises:
        MalformedMessage: it hasn't.
    """
    message, _ = unwrap(body)
    msg_id = message.get("_cancel")
    if not isinstance(msg_id, str):
        raise MalformedMessage(f"no cancellation: {message!r:.200}")
    return Cancel(msg_id)


def _add_context(message: dict[str, Any], context: Mapping[str, Any], trace: Trace | None) -> None:
    for name, value in context.items():
        message[_CONTEXT + name] = value
    if trace is not None:
        message[_CONTEXT + _TRACEPARENT] = trace.traceparent
        if trace.tracestate is not None:
            message[_CONTEXT + _TRACESTATE] = trace.tracestate


def _take_common(into: Request | Notification, message: dict[str, Any]) -> None:
    unique_id = message.get("_unique_id")
    if unique_id:
        into.unique_id = str(unique_id)
    context = {
        name[len(_CONTEXT) :]: value for name, value in message.items() if name[:9] == _CONTEXT
    }
    if context:
        traceparent = context.pop(_TRACEPARENT, None)
        tracestate = context.pop(_TRACESTATE, None)
        if isinstance(traceparent, str):
            into.trace = Trace(traceparent, tracestate if isinstance(tracestate, str) else None)
        into.context = context


def _positive(value: Any) -> float | None:
    # As it came: the real library sends whole seconds as whole numbers.
    return value if isinstance(value, int | float) and value > 0 else None
