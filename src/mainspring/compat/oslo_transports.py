"""Transports as oslo.messaging's programs have them: made of a `conf`, and cleaned up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.green.waiting import await_
from mainspring.messaging import Transport, get_transport
from mainspring.messaging.client import DEFAULT_TIMEOUT
from mainspring.messaging.reply import reply_of

__all__ = [
    "OsloTransport",
    "TransportOptions",
    "get_notification_transport",
    "get_rpc_transport",
    "native",
]


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How a message is sent.

    Parameters:
        at_least_once: True: what no server would get is an error at once.
    """

    at_least_once: bool = False


class OsloTransport:
    """A transport with oslo.messaging's methods.

    Parameters:
        native: the transport itself.
        conf: what it was made of, or None.
        allowed_remote_exmods: the modules whose exceptions arrive as what they are, for its
            clients.

    Attributes:
        native: the transport itself, for `mainspring.messaging`.
    """

    def __init__(
        self, native: Transport, conf: Any = None, allowed_remote_exmods: Sequence[str] = ()
    ) -> None:
        self.native = native
        self.conf = conf
        self.allowed_remote_exmods = tuple(allowed_remote_exmods)

    def __repr__(self) -> str:
        return f"<OsloTransport to {self.native.url.transport}://>"

    @property
    def timeout(self) -> float:
        """Seconds that a call may take whose client doesn't say."""
        return float(getattr(self.conf, "rpc_response_timeout", None) or DEFAULT_TIMEOUT)

    def cleanup(self) -> None:
        """Sends what can be sent within a moment, and leaves. It can't be used any more."""
        loop = self.native.loop
        if loop is None or not loop.is_running():
            # It never began, or ended with its loop.
            return
        await_(reply_of(loop, self.native.close()))


def native(transport: OsloTransport | Transport) -> Transport:
    """Returns a transport as `mainspring.messaging` has it."""
    return transport.native if isinstance(transport, OsloTransport) else transport


def get_rpc_transport(
    conf: Any, url: str | None = None, allowed_remote_exmods: Sequence[str] | None = None
) -> OsloTransport:
    """Returns a transport for calls.

    Parameters:
        conf: has a `transport_url` and a `rpc_response_timeout`, or not, or is None.
        url: where to; None for `conf.transport_url`, or `memory://`.
        allowed_remote_exmods: the modules whose exceptions arrive as what they are, for its
            clients.
    """
    made = get_transport(url or getattr(conf, "transport_url", None) or "memory://")
    return OsloTransport(made, conf, allowed_remote_exmods or ())


def get_notification_transport(
    conf: Any, url: str | None = None, allowed_remote_exmods: Sequence[str] | None = None
) -> OsloTransport:
    """Returns a transport for notifications.

    Parameters:
        conf: as for `get_rpc_transport`; its group `oslo_messaging_notifications` is asked first.
        url: as for `get_rpc_transport`.
        allowed_remote_exmods: as for `get_rpc_transport`.
    """
    group = getattr(conf, "oslo_messaging_notifications", None)
    return get_rpc_transport(
        conf, url or getattr(group, "transport_url", None), allowed_remote_exmods
    )
