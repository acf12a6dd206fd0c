"""The messages that the core hands to a transport and gets from one: fields, and no bytes.

How a message looks on a wire is the transport's matter. What it must carry is here: each field that
a wire has a place for comes out at the other end as it went in. Values (arguments, results,
payloads, contexts) are plain data: None, bool, int, float, str, bytes, lists, and dicts with str
keys. A codec may take more; it raises `EncodeError` for what it can't take.

Times are seconds on the clock of the loop (`loop.time()`), which no two machines share; `deadlines`
has the form in which a deadline travels.
"""

import os
import uuid

import cython
from cython.cimports.cpython.ref import PyObject
from cython.cimports.cpython.unicode import PyUnicode_FromFormat

from mainspring.messaging.values import Failure, Trace

__all__ = ["Failure", "Notification", "Request", "Response", "Trace", "new_id"]

Pointer = cython.typedef(cython.pointer(PyObject))

EMPTY = cython.declare(dict, {})
prefix = cython.declare(str, uuid.uuid4().hex[:16])
made = cython.declare(cython.ulonglong, 0)


def renew():
    """Has a child process go on with numbers of its own."""
    global prefix
    prefix = uuid.uuid4().hex[:16]


os.register_at_fork(after_in_child=renew)


def new_id():
    """Returns 32 hexadecimal digits that nobody else has, at a small part of a uuid4's cost."""
    global made
    made += 1
    return PyUnicode_FromFormat("%U%016llx", cython.cast(Pointer, prefix), made)


class Message:
    """What requests and notifications have in common.

    Attributes:
        unique_id: the same for every copy of the message: redeliveries and what was sent twice are
            told by it. None from peers that send none.
        context: the caller's context: one dict of plain data, which travels whole.
        trace: the trace context, or None.
        headers: for the transport and for those to come: names and values that are str. A wire that
            can't carry them drops them.
        only_errors: True if nobody needs the outcome of its publication unless it is an error: a
            transport may leave out the other.
    """

    def __cinit__(self):
        self.context = EMPTY
        self.headers = EMPTY


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

    def __init__(self, target, method, args):
        self.target = target
        self.method = method
        self.args = args

    def __repr__(self):
        return f"<Request {self.method!r} to {self.target} id={self.unique_id}>"

    def copy(self):
        """Returns a copy, whose arguments are the same object."""
        copy: Request = Request.__new__(Request)
        copy_common(self, copy)
        copy.target = self.target
        copy.method = self.method
        copy.args = self.args
        copy.msg_id = self.msg_id
        copy.reply_to = self.reply_to
        copy.deadline = self.deadline
        copy.monitor = self.monitor
        copy.priority = self.priority
        copy.mandatory = self.mandatory
        copy.withdrawn = self.withdrawn
        return copy


class Response:
    """What a server sends to who called: the result, the failure, or a sign of life.

    Attributes:
        msg_id: of the call.
        result: what the method returned.
        failure: what it raised, or None.
        ending: True on the one response that ends the call; False on a sign of life, which has
            neither result nor failure.
        headers: as on a `Message`.
        only_errors: as on a `Message`.
    """

    def __cinit__(self):
        self.ending = True
        self.headers = EMPTY

    def __init__(self, msg_id, result=None):
        self.msg_id = msg_id
        self.result = result

    def __repr__(self):
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

    def __cinit__(self):
        self.message_id = ""
        self.timestamp = ""
        self.enveloped = True

    def __init__(self, target, event_type, publisher_id, priority, payload):
        self.target = target
        self.event_type = event_type
        self.publisher_id = publisher_id
        self.priority = priority
        self.payload = payload

    def __repr__(self):
        return f"<Notification {self.event_type!r} {self.priority} to {self.target}>"

    def copy(self):
        """Returns a copy, whose payload is the same object."""
        copy: Notification = Notification.__new__(Notification)
        copy_common(self, copy)
        copy.target = self.target
        copy.event_type = self.event_type
        copy.publisher_id = self.publisher_id
        copy.priority = self.priority
        copy.payload = self.payload
        copy.message_id = self.message_id
        copy.timestamp = self.timestamp
        copy.enveloped = self.enveloped
        return copy


def copy_common(message, copy):
    copy.unique_id = message.unique_id
    copy.context = message.context
    copy.trace = message.trace
    copy.headers = message.headers
    copy.only_errors = message.only_errors
    return 0
