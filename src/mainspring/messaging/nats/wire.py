"""Messages as bodies and headers, and back.

The trace context is in the headers `traceparent` and `tracestate`, where W3C and everybody's tools
have it, and so are a message's own headers. All else is in the body: a header costs both ends as
much as a body does.
"""

from collections.abc import Mapping

import msgspec

from mainspring.messaging.deadlines import TravellingDeadline, arrive, leave
from mainspring.messaging.errors import EncodeError
from mainspring.messaging.messages import (
    Failure,
    Message,
    Notification,
    Request,
    Response,
    Trace,
)
from mainspring.messaging.nats.errors import MalformedMessage
from mainspring.messaging.nats.forms import (
    CancelForm,
    FailureForm,
    NotificationForm,
    RequestForm,
    ResponseForm,
    decoder,
    encode,
)
from mainspring.messaging.nats.plain import plain_mapping, plain_value
from mainspring.messaging.target import Target

__all__ = [
    "TargetsOf",
    "decode_cancel",
    "decode_notification",
    "decode_request",
    "decode_response",
    "encode_cancel",
    "encode_notification",
    "encode_request",
    "encode_response",
    "headers_of",
    "renewed",
]

type Headers = Mapping[str, str] | None

PARENT, STATE = "traceparent", "tracestate"
# A failure that comes from elsewhere is cut where its causes go deeper.
_DEEPEST = 32

_read_request = decoder(RequestForm)
_read_response = decoder(ResponseForm)
_read_notification = decoder(NotificationForm)
_read_cancel = decoder(CancelForm)


def headers_of(message: Message | Response) -> dict[str, str] | None:
    """Returns the headers that a message travels with; None if it has none."""
    trace = message.trace if isinstance(message, Message) else None
    if trace is None and not message.headers:
        return None
    found = dict(message.headers)
    for name, value in found.items():
        # nats-py would change it, or refuse it with less to say.
        if not name.isascii() or not name.isprintable() or set(name) & set(" :"):
            raise EncodeError(f"{name!r} can't be the name of a header")
        if value != value.strip() or "\r" in value or "\n" in value:
            raise EncodeError(f"the header {name!r} can't be {value!r}: it is one trimmed line")
    if trace is not None:
        found[PARENT] = trace.traceparent
        if trace.tracestate:
            found[STATE] = trace.tracestate
    return found


def encode_request(request: Request, now: float, attempt: int = 1) -> bytes:
    """Returns a request's body.

    Parameters:
        request: the request.
        now: the loop's time.
        attempt: which delivery it will be.

    Raises:
        EncodeError: a value has no form.
    """
    args, is_json = plain_mapping(request.args)
    target = request.target
    identity = request.unique_id or request.msg_id
    form = RequestForm(request.method, args, identity)  # type: ignore[arg-type]
    if request.msg_id is None:
        form.cast = True
    if target.namespace is not None:
        form.namespace = target.namespace
    if target.version is not None:
        form.version = target.version
    if request.deadline is not None:
        form.timeout_ms, form.expires_ms = leave(request.deadline, now)
    if request.monitor is not None:
        form.monitor = request.monitor
    if request.priority is not None:
        form.priority = request.priority
    if request.context:
        context, context_is_json = plain_mapping(request.context)
        form.context = context  # type: ignore[assignment]
        is_json = is_json and context_is_json
    if attempt > 1:
        form.attempt = attempt
    return encode(form, is_json)


def renewed(body: bytes, deadline: float, now: float) -> bytes:
    """Returns a request's body for a deadline that has come nearer since it was encoded."""
    form = _read_request(body)
    form.timeout_ms, form.expires_ms = leave(deadline, now)
    return encode(form, body[:1] == b"{")


class TargetsOf:
    """The targets that a server's requests come with: few, and each made once.

    Parameters:
        target: what the server serves.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._made: dict[tuple[str | None, str | None], Target] = {}

    def get(self, namespace: str | None, version: str | None) -> Target:
        """Returns the target of a namespace and a version."""
        key = namespace, version
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= 1000:
                # They come from outside.
                self._made.clear()
            found = self._made[key] = self._target(namespace=namespace, version=version)
        return found


def decode_request(
    body: bytes, headers: Headers, reply: str, targets: TargetsOf, now: float
) -> tuple[Request, int]:
    """Returns a request, and which delivery it is.

    Parameters:
        body: what came.
        headers: the same.
        reply: the subject for the answer; empty if nobody waits for one.
        targets: those of the server.
        now: the loop's time.

    Raises:
        MalformedMessage: it is no request.
    """
    form = _read_request(body)
    request = Request(targets.get(form.namespace, form.version), form.method, form.args)
    if form.id is not None:
        request.unique_id = form.id
    if reply and not form.cast:
        # Who isn't of our kind names a call by its reply's subject alone.
        request.msg_id = form.id or reply
        request.reply_to = reply
        if form.monitor is not None:
            request.monitor = form.monitor
    if form.timeout_ms is not None:
        request.deadline = arrive(TravellingDeadline(form.timeout_ms, form.expires_ms), now)
    if form.priority is not None:
        request.priority = form.priority
    if form.context:
        request.context = form.context
    if headers:
        _read_headers(request, headers)
    return request, form.attempt


def encode_response(response: Response) -> bytes:
    """Returns an answer's body.

    Raises:
        EncodeError: the result, or an argument of the failure, has no form.
    """
    failure = response.failure
    if failure is not None:
        form, is_json = _failure_form(failure)
        return encode(ResponseForm(failure=form), is_json)
    if not response.ending:
        return encode(ResponseForm(alive=True), True)
    result, is_json = plain_value(response.result)
    return encode(ResponseForm(result), is_json)


def decode_response(body: bytes, headers: Headers, msg_id: str) -> Response:
    """Returns an answer to a call.

    Raises:
        MalformedMessage: it is none.
    """
    form = _read_response(body)
    response = Response(msg_id)
    if form.failure is not None:
        response.failure = _failure(form.failure, 0)
    elif form.alive:
        response.ending = False
    elif form.result is msgspec.UNSET:
        raise MalformedMessage(f"an answer has a result, a failure or a sign of life: {body!r:.80}")
    else:
        response.result = form.result
    if headers:
        response.headers = headers
    return response


def encode_notification(notification: Notification, attempt: int = 1) -> bytes:
    """Returns a notification's body; parameters and errors as for `encode_request`."""
    payload, is_json = plain_value(notification.payload)
    context, context_is_json = plain_mapping(notification.context)
    form = NotificationForm(
        event_type=notification.event_type,
        publisher_id=notification.publisher_id,
        priority=notification.priority,
        payload=payload,
        id=notification.unique_id,
        message_id=notification.message_id,
        timestamp=notification.timestamp,
        context=dict(context),
        attempt=attempt,
    )
    return encode(form, is_json and context_is_json)


def decode_notification(
    body: bytes, headers: Headers, target: Target, priority: str
) -> tuple[Notification, int]:
    """Returns a notification, and which delivery it is.

    Parameters:
        body: what came.
        headers: the same.
        target: the topic that it came to.
        priority: the priority that it came to.

    Raises:
        MalformedMessage: it is none.
    """
    form = _read_notification(body)
    payload = None if form.payload is msgspec.UNSET else form.payload
    made = Notification(target, form.event_type, form.publisher_id, priority, payload)
    made.unique_id = form.id
    made.message_id, made.timestamp = form.message_id, form.timestamp
    if form.context:
        made.context = form.context
    if headers:
        _read_headers(made, headers)
    return made, form.attempt


def encode_cancel(msg_id: str) -> bytes:
    """Returns the body that says that a call has been given up."""
    return encode(CancelForm(msg_id), True)


def decode_cancel(body: bytes) -> str:
    """Returns the id of the call that has been given up.

    Raises:
        MalformedMessage: it names none.
    """
    return _read_cancel(body).id


def _read_headers(message: Message, headers: Mapping[str, str]) -> None:
    rest = dict(headers)
    parent, state = rest.pop(PARENT, None), rest.pop(STATE, None)
    if parent is not None:
        message.trace = Trace(parent, state)
    if rest:
        message.headers = rest


def _failure_form(failure: Failure) -> tuple[FailureForm, bool]:
    args, is_json = plain_value(list(failure.args))
    kwargs, kwargs_is_json = plain_mapping(failure.kwargs)
    form = FailureForm(
        failure.name,
        failure.module,
        failure.message,
        args,
        dict(kwargs),
        "".join(failure.traceback),
    )
    is_json = is_json and kwargs_is_json
    if failure.cause is not None:
        form.cause, cause_is_json = _failure_form(failure.cause)
        is_json = is_json and cause_is_json
    if failure.exceptions:
        members = [_failure_form(member) for member in failure.exceptions]
        form.exceptions = [member for member, _ in members]
        is_json = is_json and all(member_is_json for _, member_is_json in members)
    return form, is_json


def _failure(form: FailureForm, depth: int) -> Failure:
    deeper = depth < _DEEPEST
    return Failure(
        name=form.type,
        module=form.module,
        message=form.message,
        args=tuple(form.args),
        kwargs=form.kwargs,
        traceback=(form.traceback,) if form.traceback else (),
        cause=_failure(form.cause, depth + 1) if form.cause is not None and deeper else None,
        exceptions=tuple(_failure(member, depth + 1) for member in form.exceptions)
        if deeper
        else (),
    )
