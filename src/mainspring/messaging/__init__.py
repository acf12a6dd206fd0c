"""Messaging: call, cast, fanout and notify, for every way of waiting, over several brokers."""

from mainspring.messaging import errors
from mainspring.messaging.batches import BatchListener
from mainspring.messaging.client import Client
from mainspring.messaging.context import context, current_call, get_context, get_trace, trace
from mainspring.messaging.endpoint import (
    DefaultRPCAccessPolicy,
    ExplicitRPCAccessPolicy,
    LegacyRPCAccessPolicy,
    RPCAccessPolicy,
    endpoint,
    expected_exceptions,
    expose,
)
from mainspring.messaging.errors import (
    InvalidTarget,
    MessageDeliveryFailure,
    MessageUndeliverable,
    MessagingError,
    MessagingTimeout,
    NoSuchMethod,
    RemoteError,
    RPCVersionCapError,
    ServerBusy,
    UnsupportedVersion,
)
from mainspring.messaging.filters import NotificationFilter
from mainspring.messaging.listener import Listener, NotificationResult
from mainspring.messaging.notifier import Notifier
from mainspring.messaging.registry import get_transport
from mainspring.messaging.reply import Reply
from mainspring.messaging.server import Server
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Transport

__all__ = [
    "BatchListener",
    "Client",
    "DefaultRPCAccessPolicy",
    "ExplicitRPCAccessPolicy",
    "InvalidTarget",
    "LegacyRPCAccessPolicy",
    "Listener",
    "MessageDeliveryFailure",
    "MessageUndeliverable",
    "MessagingError",
    "MessagingTimeout",
    "NoSuchMethod",
    "NotificationFilter",
    "NotificationResult",
    "Notifier",
    "RPCAccessPolicy",
    "RPCVersionCapError",
    "RemoteError",
    "Reply",
    "Server",
    "ServerBusy",
    "Target",
    "Transport",
    "UnsupportedVersion",
    "context",
    "current_call",
    "endpoint",
    "errors",
    "expected_exceptions",
    "expose",
    "get_context",
    "get_trace",
    "get_transport",
    "trace",
]
