"""`SSLOptions`: what connections are to be encrypted with, checked once. `wrap` does it."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

from mainspring.net.tls_transport import SSLTransport, new_transport

__all__ = ["SSLOptions"]

# asyncio's, in seconds.
HANDSHAKE_TIMEOUT = 60.0
SHUTDOWN_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class SSLOptions:
    """How connections are encrypted; one for all connections of a server."""

    context: ssl.SSLContext
    server_side: bool
    server_hostname: str | None
    handshake_timeout: float
    shutdown_timeout: float

    def wrap(
        self,
        loop: Any,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[None] | None = None,
        *,
        is_made: bool = False,
    ) -> SSLTransport:
        """Returns a transport for `protocol` that is to be the protocol of the transport below.

        Parameters:
            loop: the loop.
            protocol: gets what was decrypted.
            waiter: a future that is done when the handshake is; None for an accepted connection.
            is_made: True when `connection_made` has been called already.
        """
        return new_transport(loop, protocol, self, waiter, is_made)


def ssl_options(
    context: Any,
    server_side: bool,
    server_hostname: str | None,
    handshake_timeout: float | None,
    shutdown_timeout: float | None,
) -> SSLOptions:
    """Returns the options that asyncio's arguments stand for.

    Parameters:
        context: an `ssl.SSLContext`, or True for the default one of a client.
        server_side: True for the side that accepts.
        server_hostname: whose certificate is asked for; "" for anybody's. For clients only.
        handshake_timeout: seconds; None for asyncio's.
        shutdown_timeout: seconds; None for asyncio's.

    Raises:
        ValueError: a timeout isn't positive, or a server has no context.
    """
    if context is True:
        if server_side:
            raise ValueError("Server side SSL needs a valid SSLContext")
        context = ssl.create_default_context()
        if not server_hostname:
            context.check_hostname = False
    return SSLOptions(
        context,
        server_side,
        None if server_side else server_hostname or None,
        _seconds("ssl_handshake_timeout", handshake_timeout, HANDSHAKE_TIMEOUT),
        _seconds("ssl_shutdown_timeout", shutdown_timeout, SHUTDOWN_TIMEOUT),
    )


def _seconds(name: str, timeout: float | None, default: float) -> float:
    if timeout is None:
        return default
    if timeout <= 0:
        raise ValueError(f"{name} should be a positive number, got {timeout}")
    return timeout
