"""What can go wrong between a caller and a server: one class for each thing that a user can act on.

The names are oslo.messaging's where it has one. All of them are `MessagingError`s; one that is also
a standard error (a timeout, a lost connection) is that too, so that an `except` that exists works.
The `args` of each are what its constructor takes: so it can be pickled, and travel.
"""

from typing import Any

__all__ = [
    "Abandoned",
    "ClientSendError",
    "ConnectionLost",
    "DriverLoadFailure",
    "EncodeError",
    "InvalidArguments",
    "InvalidEndpoint",
    "InvalidTarget",
    "InvalidTransportURL",
    "MessageDeliveryFailure",
    "MessageTooLarge",
    "MessageUndeliverable",
    "MessagingError",
    "MessagingTimeout",
    "NoSuchMethod",
    "RPCVersionCapError",
    "RemoteError",
    "ServerBusy",
    "TransportBusy",
    "TransportClosed",
    "UnsupportedVersion",
]


class MessagingError(Exception):
    """The base of all errors of messaging."""


class InvalidTransportURL(MessagingError, ValueError):
    """A URL names no transport, or can't be read."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(url, why)
        self.url = url
        self.why = why

    def __str__(self) -> str:
        return f"{self.url!r} is no URL of a transport: {self.why}"


class DriverLoadFailure(MessagingError, ImportError):
    """A transport needs a package that isn't installed."""


class InvalidTarget(MessagingError, ValueError):
    """A target lacks what the operation needs, as a server without a topic."""

    def __init__(self, why: str, target: object) -> None:
        super().__init__(why, target)
        self.target = target

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.target}"


class InvalidEndpoint(MessagingError, TypeError):
    """An object can't serve as an endpoint."""


class InvalidArguments(MessagingError, TypeError):
    """Arguments or a result aren't what the type hints of a typed method say."""


class MessagingTimeout(MessagingError, TimeoutError):
    """No reply came before the deadline, or the server showed no sign of life for too long."""


class MessageDeliveryFailure(MessagingError):
    """A message could not be handed to the broker."""


class MessageUndeliverable(MessageDeliveryFailure):
    """Nobody receives what is sent there: no such server, or none any more."""


class ConnectionLost(MessageDeliveryFailure, ConnectionError):
    """The connection broke, and with it what would have told how the message fared."""


class TransportClosed(MessageDeliveryFailure, ConnectionError):
    """The transport was closed, or never opened."""


class TransportBusy(MessageDeliveryFailure):
    """More waits to be sent than the transport may hold; send less, or await what is sent."""


class ClientSendError(MessagingError):
    """A call could not be sent because the client or its arguments are wrong."""


class EncodeError(ClientSendError, TypeError):
    """A value can't be sent: the transport has no form for its type."""


class MessageTooLarge(EncodeError):
    """A message has more bytes than the broker takes; send less at a time, or a reference."""


class RPCVersionCapError(MessagingError):
    """A call asks for a version above the cap that the client was given."""

    def __init__(self, version: str | None, version_cap: str) -> None:
        super().__init__(version, version_cap)
        self.version = version
        self.version_cap = version_cap

    def __str__(self) -> str:
        return (
            f"version {self.version} was asked for, and the client's version_cap is "
            f"{self.version_cap}; can_send_version() tells beforehand"
        )


class NoSuchMethod(MessagingError, AttributeError):
    """The server has an endpoint for the namespace and the version, but not that method."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method

    def __str__(self) -> str:
        return f"Endpoint does not support RPC method {self.method}"


class UnsupportedVersion(MessagingError):
    """The server has no endpoint for the namespace and the version."""

    def __init__(self, version: str | None, method: str | None = None) -> None:
        super().__init__(version, method)
        self.version = version
        self.method = method

    def __str__(self) -> str:
        attempt = f" Attempted method: {self.method}" if self.method else ""
        return f"Endpoint does not support RPC version {self.version}.{attempt}"


class ServerBusy(MessagingError):
    """The server is stopping, or holds as many calls as it may."""


class Abandoned(MessagingError):
    """The caller gave the call up before it was done."""


class RemoteError(MessagingError):
    """An exception was raised by the server, and its class isn't known or not allowed here.

    Attributes:
        exc_type: the name of the remote class.
        value: what `str` said of the remote exception.
        remote_traceback: the remote traceback as text.
        remote_args: the arguments of the remote exception.
    """

    def __init__(
        self,
        exc_type: str | None = None,
        value: str | None = None,
        remote_traceback: str = "",
        remote_args: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(exc_type, value, remote_traceback, remote_args)
        self.exc_type = exc_type
        self.value = value
        self.remote_traceback = remote_traceback
        self.remote_args = remote_args

    def __str__(self) -> str:
        return f"Remote error: {self.exc_type} {self.value}"
