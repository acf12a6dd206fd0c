"""The messages that the core hands to a transport and gets from one: fields, and no bytes.

How a message looks on a wire is the transport's matter. What it must carry is here: each field that
a wire has a place for comes out at the other end as it went in. Values (arguments, results,
payloads, contexts) are plain data: None, bool, int, float, str, bytes, lists, and dicts with str
keys. A codec may take more; it raises `EncodeError` for what it can't take.

A message is made once for each call, so what isn't said isn't stored: the defaults are attributes
of the class.

Times are seconds on the clock of the loop (`loop.time()`), which no two machines share; `deadlines`
has the form in which a deadline travels.
"""

import itertools
import os
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from mainspring.messaging.target import Target

__all__ = ["Failure", "Notification", "Request", "Response", "Trace", "new_id"]

_EMPTY: Mapping[str, Any] = {}

_prefix = uuid.uuid4().hex[:16]
_numbers = itertools.count()


def _renew() -> None:
    global _prefix
    _prefix = uuid.uuid4().hex[:16]


# A child process would go on with its parent's numbers.
os.register_at_fork(after_in_child=_renew)


def new_id() -> str:
    """Returns 32 hexadecimal digits that nobody else has, at a fifth of a uuid4's cost."""
    return f"{_prefix}{next(_numbers):016x}"


class Trace(NamedTuple):
    """A W3C trace context: the values of its two headers."""

    traceparent: str
    tracestate: str | None = None


class Failure(NamedTuple):
    """An exception on its way to the caller.

    Attributes:
        name: the class's name, as `"ValueError"`.
        module: the class's module, as `"builtins"`.
        message: what `str` says of the exception.
        args: its arguments.
        kwargs: its `kwargs`, where it has such an attribute, as oslo.messaging sends them.
        traceback: the lines of the formatted traceback, causes included.
        cause: the failure that is its `__cause__`, and so on.
        exceptions: the members of an exception group, whose `args` is the message alone.
    """

    name: str
    module: str
    message: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = _EMPTY
    traceback: tuple[str, ...] = ()
    cause: "Failure | None" = None
    exceptions: "tuple[Failure, ...]" = ()


class Message:
    """What requests and notifications have in common.

    Attributes:
        unique_id: the same for every copy of the message: redeliveries and what was sent twice are
            told by it. None from peers that send none.
        context: the caller's context: one dict of plain data, which travels whole.
        trace: the trace context, or None.
        headers: for the transport and for those to come: names and values that are str. A wire that
            can't carry them drops them.
    """

    unique_id: str | None = None
    context: Mapping[str, Any] = _EMPTY
    trace: Trace | None = None
    headers: Mapping[str, str] = _EMPTY


class Request(Message):
    """A call, a cast or a fanout.

    Attributes:
        target: topic, exchange and server say where it goes; with fanout, to all. Namespace and
            version go with the message. At the server: the namespace and the version that came, and
            what is known of the rest.
        method: the name of the method.
        args: its keyword arguments.
        msg_id: names the call that the reply is for; None means that nobody waits for one.
        reply_to: the transport's own: where the reply goes. Set by the transport on what it
            delivers.
        deadline: when the caller stops waiting, on the loop's clock of whoever reads it; None:
            never.
        monitor: the seconds within which the caller wants a sign of life, again and again, until
            the reply; None: no such signs must be sent (an old peer breaks at one).
        priority: a `Priority` as an int; None is not said.
        mandatory: True wants `MessageUndeliverable` if nobody would receive it.
        withdrawn: True once its caller has given it up: what isn't sent yet needn't be.
    """

    msg_id: str | None = None
    reply_to: Any = None
    deadline: float | None = None
    monitor: float | None = None
    priority: int | None = None
    mandatory: bool = False
    withdrawn: bool = False

    def __init__(self, target: Target, method: str, args: dict[str, Any]) -> None:
        self.target = target
        self.method = method
        self.args = args

    def __repr__(self) -> str:
        return f"<Request {self.method!r} to {self.target} id={self.unique_id}>"


class Response:
    """What a server sends to who called: the result, the failure, or a sign of life.

    Attributes:
        msg_id: of the call.
        result: what the method returned.
        failure: what it raised, or None.
        ending: True on the one response that ends the call; False on a sign of life, which has
            neither result nor failure.
        headers: as on a `Message`.
    """

    failure: Failure | None = None
    ending: bool = True
    headers: Mapping[str, str] = _EMPTY

    def __init__(self, msg_id: str, result: Any = None) -> None:
        self.msg_id = msg_id
        self.result = result

    def __repr__(self) -> str:
        state = "alive" if not self.ending else self.failure or "result"
        return f"<Response to {self.msg_id}: {state}>"


class Notification(Message):
    """An event that somebody may listen for.

    Attributes:
        target: topic and exchange. The listeners of `priority` get it.
        event_type: what happened, as `"compute.instance.create"`.
        publisher_id: who says so, as `"compute.host1"`.
        priority: the priority in lower case: `"audit"`, `"debug"`, `"info"`, `"warn"`, `"error"`,
            `"critical"` or `"sample"`; it is a part of the address, and goes with the message too.
        payload: the event.
        message_id: a uuid with dashes.
        timestamp: when, in UTC, as `"2026-11-20 22:03:09.661344"`.
        enveloped: False asks for oslo.messaging's first form, without an envelope, where a wire
            knows it. What is delivered says which form came.
    """

    message_id: str = ""
    timestamp: str = ""
    enveloped: bool = True

    def __init__(
        self, target: Target, event_type: str, publisher_id: str, priority: str, payload: Any
    ) -> None:
        self.target = target
        self.event_type = event_type
        self.publisher_id = publisher_id
        self.priority = priority
        self.payload = payload

    def __repr__(self) -> str:
        return f"<Notification {self.event_type!r} {self.priority} to {self.target}>"
