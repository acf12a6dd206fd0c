"""What can be wrong on this wire alone."""

from mainspring.messaging.errors import MessageDeliveryFailure

__all__ = ["MalformedMessage", "Refused"]


class Refused(MessageDeliveryFailure):
    """The server is there, and doesn't allow it: this login, without TLS, or this subject."""


class MalformedMessage(ValueError):
    """What came isn't a message of this wire, and can't come right by itself."""
