"""Messages as bodies and headers, and back.

The trace context is in the headers `traceparent` and `tracestate`, where W3C and everybody's tools
have it, and so are a message's own headers. All else is in the body: a header costs both ends as
much as a body does.
"""

import cython
import msgspec
from cython.cimports.mainspring.messaging.messages import Message, Notification, Request, Response
from cython.cimports.mainspring.messaging.milliseconds import arrival, expiry, remaining
from cython.cimports.mainspring.messaging.nats.bodies import Decoder, begins_json, encode
from cython.cimports.mainspring.messaging.nats.plain import Plain

from mainspring.messaging.errors import EncodeError
from mainspring.messaging.nats.errors import MalformedMessage
from mainspring.messaging.nats.forms import (
    CancelForm,
    FailureForm,
    NotificationForm,
    RequestForm,
    ResponseForm,
)
from mainspring.messaging.values import Failure, Trace

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

PARENT = cython.declare(str, "traceparent")
STATE = cython.declare(str, "tracestate")
# A failure that comes from elsewhere is cut where its causes go deeper.
DEEPEST = cython.declare(cython.int, 32)
# Namespaces and versions that are remembered; they come from outside.
REMEMBERED = cython.declare(cython.Py_ssize_t, 1000)

UNSET = cython.declare(object, msgspec.UNSET)
# What a field is that isn't said.
EMPTY = cython.declare(dict, {})

requests = cython.declare(Decoder, Decoder(RequestForm))
responses = cython.declare(Decoder, Decoder(ResponseForm))
notifications = cython.declare(Decoder, Decoder(NotificationForm))
cancellations = cython.declare(Decoder, Decoder(CancelForm))


def headers_of(message):
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


def encode_request(request, now, attempt=1):
    """Returns a request's body.

    Parameters:
        request: the request.
        now: the loop's time.
        attempt: which delivery it will be.

    Raises:
        EncodeError: a value has no form.
    """
    plain: Plain = Plain.__new__(Plain)
    args = plain.mapping(request.args)
    context = plain.mapping(request.context) if request.context else EMPTY
    timeout_ms = expires_ms = None
    if request.deadline is not None:
        left: cython.longlong = remaining(request.deadline, now)
        timeout_ms, expires_ms = left, expiry(left)
    target = request.target
    identity = request.unique_id
    form = RequestForm(
        request.method,
        args,
        request.msg_id if identity is None else identity,
        request.msg_id is None,
        target.namespace,
        target.version,
        timeout_ms,
        expires_ms,
        request.monitor,
        request.priority,
        context,
        attempt,
    )
    return encode(form, plain.is_json)


def renewed(body, deadline, now):
    """Returns a request's body for a deadline that has come nearer since it was encoded."""
    form = requests.read(body)
    left: cython.longlong = remaining(deadline, now)
    form.timeout_ms, form.expires_ms = left, expiry(left)
    return encode(form, begins_json(body))


class TargetsOf:
    """The targets that a server's requests come with: few, and each made once.

    Parameters:
        target: what the server serves.
    """

    def __init__(self, target):
        self.target = target
        self.made = {}

    def get(self, namespace, version):
        """Returns the target of a namespace and a version."""
        key = (namespace, version)
        found = self.made.get(key)
        if found is None:
            if len(self.made) >= REMEMBERED:
                self.made.clear()
            found = self.made[key] = self.target(namespace=namespace, version=version)
        return found


def decode_request(body, headers, reply, targets, now):
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
    form = requests.read(body)
    request: Request = Request.__new__(Request)
    request.target = targets.get(form.namespace, form.version)
    request.method = form.method
    request.args = form.args
    identity = form.id
    if identity is not None:
        request.unique_id = identity
    if reply and not form.cast:
        # Who isn't of our kind names a call by its reply's subject alone.
        request.msg_id = reply if identity is None else identity
        request.reply_to = reply
        request.monitor = form.monitor
    timeout_ms = form.timeout_ms
    if timeout_ms is not None:
        request.deadline = arrival(timeout_ms, form.expires_ms, now)
    request.priority = form.priority
    context = form.context
    if context:
        request.context = context
    if headers:
        read_headers(request, headers)
    return request, form.attempt


def encode_response(response):
    """Returns an answer's body.

    Raises:
        EncodeError: the result, or an argument of the failure, has no form.
    """
    plain: Plain = Plain.__new__(Plain)
    if response.failure is not None:
        form = ResponseForm(failure=failure_form(response.failure, plain))
    elif response.ending:
        form = ResponseForm(plain.value(response.result))
    else:
        form = ResponseForm(alive=True)
    return encode(form, plain.is_json)


def decode_response(body, headers, msg_id):
    """Returns an answer to a call.

    Raises:
        MalformedMessage: it is none.
    """
    form = responses.read(body)
    response: Response = Response.__new__(Response)
    response.msg_id = msg_id
    failure, result = form.failure, form.result
    if failure is not None:
        response.failure = failure_of_form(failure, 0)
    elif form.alive:
        response.ending = False
    elif result is UNSET:
        raise MalformedMessage(
            f"an answer has a result, a failure or a sign of life: {body[:80]!r}"
        )
    else:
        response.result = result
    if headers:
        response.headers = headers
    return response


def encode_notification(notification, attempt=1):
    """Returns a notification's body; parameters and errors as for `encode_request`."""
    plain: Plain = Plain.__new__(Plain)
    form = NotificationForm(
        event_type=notification.event_type,
        publisher_id=notification.publisher_id,
        priority=notification.priority,
        payload=plain.value(notification.payload),
        id=notification.unique_id,
        message_id=notification.message_id,
        timestamp=notification.timestamp,
        context=plain.mapping(notification.context),
        attempt=attempt,
    )
    return encode(form, plain.is_json)


def decode_notification(body, headers, target, priority):
    """Returns a notification, and which delivery it is.

    Parameters:
        body: what came.
        headers: the same.
        target: the topic that it came to.
        priority: the priority that it came to.

    Raises:
        MalformedMessage: it is none.
    """
    form = notifications.read(body)
    payload = None if form.payload is UNSET else form.payload
    made: Notification = Notification(target, form.event_type, form.publisher_id, priority, payload)
    made.unique_id = form.id
    made.message_id, made.timestamp = form.message_id, form.timestamp
    if form.context:
        made.context = form.context
    if headers:
        read_headers(made, headers)
    return made, form.attempt


def encode_cancel(msg_id):
    """Returns the body that says that a call has been given up."""
    return encode(CancelForm(msg_id), True)


def decode_cancel(body):
    """Returns the id of the call that has been given up.

    Raises:
        MalformedMessage: it names none.
    """
    return cancellations.read(body).id


def read_headers(message, headers):
    rest = dict(headers)
    parent, state = rest.pop(PARENT, None), rest.pop(STATE, None)
    if parent is not None:
        message.trace = Trace(parent, state)
    if rest:
        message.headers = rest
    return 0


def failure_form(failure, plain):
    """Returns the form of a failure, with those that it has in it."""
    form = FailureForm(
        failure.name,
        failure.module,
        failure.message,
        plain.value(list(failure.args)),
        plain.mapping(failure.kwargs),
        "".join(failure.traceback),
    )
    if failure.cause is not None:
        form.cause = failure_form(failure.cause, plain)
    if failure.exceptions:
        form.exceptions = [failure_form(member, plain) for member in failure.exceptions]
    return form


def failure_of_form(form, depth):
    """Returns the failure of a form, with those that are in it, if they aren't too deep."""
    cause, exceptions = None, ()
    if depth < DEEPEST:
        if form.cause is not None:
            cause = failure_of_form(form.cause, depth + 1)
        exceptions = tuple([failure_of_form(member, depth + 1) for member in form.exceptions])
    return Failure(
        name=form.type,
        module=form.module,
        message=form.message,
        args=tuple(form.args),
        kwargs=form.kwargs,
        traceback=(form.traceback,) if form.traceback else (),
        cause=cause,
        exceptions=exceptions,
    )
