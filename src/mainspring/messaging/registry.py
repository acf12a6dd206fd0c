"""`get_transport`: from a URL to a transport. One is imported when it is first asked for."""

import importlib
from typing import Any

from mainspring.messaging.errors import DriverLoadFailure, InvalidTransportURL
from mainspring.messaging.transport import Transport
from mainspring.messaging.url import TransportURL

__all__ = ["get_transport"]

# The module and the class of each scheme, and the extra that it needs.
_TRANSPORTS: dict[str, tuple[str, str, str | None]] = {
    "memory": ("mainspring.messaging.memory.transport", "MemoryTransport", None),
    **dict.fromkeys(
        ("rabbit", "kombu", "amqp", "amqps"),
        ("mainspring.messaging.rabbit.transport", "RabbitTransport", "rabbit"),
    ),
    **dict.fromkeys(
        ("nats", "tls"), ("mainspring.messaging.nats.transport", "NatsTransport", "nats")
    ),
}


def get_transport(url: str = "memory://", **options: Any) -> Transport:
    """Returns a transport, which starts when it is first used.

    It keeps one connection however many clients and servers share it: a program makes one, and
    gives it to all of them.

    Parameters:
        url: where the broker is: `memory://` (in this process), `rabbit://...` or `nats://...`.
        options: what the transport takes besides; the URL's query says the same as text.

    Raises:
        InvalidTransportURL: the URL can't be read, or no transport has its scheme.
        DriverLoadFailure: the transport needs a package that isn't installed.
    """
    parsed = TransportURL.parse(url)
    found = _TRANSPORTS.get(parsed.transport)
    if found is None:
        known = ", ".join(f"{scheme}://" for scheme in sorted(_TRANSPORTS))
        raise InvalidTransportURL(url, f"no transport is called so; there are {known}")
    module, name, extra = found
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] == "mainspring":
            raise
        raise DriverLoadFailure(
            f"{parsed.transport}:// needs {exc.name}, which comes with an extra: "
            f"`pip install 'mainspring[{extra}]'`"
        ) from exc
    transport: Transport = getattr(loaded, name)(parsed, **options)
    return transport
