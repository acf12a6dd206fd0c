"""Opening a connection: reaching the server, TLS, the login; and what an error says of them."""

import asyncio
import ssl
from collections.abc import Callable

from nats import errors as nats_errors

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.nats.connection import Connection
from mainspring.messaging.nats.errors import Refused
from mainspring.messaging.nats.options import Options, Place
from mainspring.messaging.nats.reader import Msg

__all__ = ["open_connection"]

# What a server says when it isn't us that it wants; anything else may pass.
_REFUSALS = ("authorization", "authentication", "nkey", "jwt", "account", "permission")


async def open_connection(
    loop: asyncio.AbstractEventLoop,
    place: Place,
    context: ssl.SSLContext | None,
    options: Options,
    inbox: str,
    receive: Callable[[Msg], None],
) -> Connection:
    """Connects and logs in.

    Parameters:
        loop: the running loop.
        place: the server.
        context: TLS, or None.
        options: the rest.
        inbox: what the subjects of answers begin with; one token follows.
        receive: takes the answers; doesn't raise.

    Raises:
        Refused: the server doesn't let us in, or isn't whom it should be.
        ConnectionLost: the server can't be reached.
    """
    connection = Connection(loop, place)
    where = place.where
    try:
        async with asyncio.timeout(options.connection_timeout):
            await connection.open(context, options, inbox, receive)
    except BaseException as exc:
        await connection.close()
        if isinstance(exc, MessagingError):
            raise
        if isinstance(exc, ssl.SSLCertVerificationError):
            raise Refused(f"NATS at {where} isn't whom it should be: {exc}") from exc
        if isinstance(exc, TimeoutError):
            patience = options.connection_timeout
            raise ConnectionLost(f"NATS at {where} says nothing for {patience:g} s") from exc
        if isinstance(exc, OSError):
            raise ConnectionLost(f"NATS can't be reached at {where}: {exc}") from exc
        if isinstance(exc, nats_errors.Error):
            words = str(exc)
            if any(word in words.lower() for word in _REFUSALS):
                raise Refused(f"NATS at {where} lets us not in: {words}") from exc
            raise ConnectionLost(f"NATS at {where}: {words}") from exc
        raise
    return connection
