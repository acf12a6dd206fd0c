"""What a broker says when it doesn't do as it is told."""

from mainspring.messaging.errors import MessageDeliveryFailure

__all__ = ["BrokerError", "ChannelClosed", "ConnectionClosed", "Refused"]


class BrokerError(MessageDeliveryFailure):
    """The broker has closed a channel or a connection because of what was asked of it.

    Attributes:
        code: AMQP's reply code, as 404.
        text: what the broker says of it.
    """

    def __init__(self, code: int, text: str, where: str) -> None:
        super().__init__(f"RabbitMQ at {where} says {code}: {text}")
        self.code = code
        self.text = text


class ChannelClosed(BrokerError):
    """The broker has closed a channel; the connection lives on."""


class ConnectionClosed(BrokerError, ConnectionError):
    """The broker has closed the connection."""


class Refused(MessageDeliveryFailure):
    """The broker is there and lets nobody in with this name, this password or this virtual host."""
