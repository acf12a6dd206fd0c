"""Opening a connection: reaching the host, TLS, the login, all within one patience."""

import asyncio
import ssl

from mainspring.messaging.errors import ConnectionLost, MessagingError
from mainspring.messaging.rabbit.connection import Connection
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.security import Security

__all__ = ["open_connection"]


async def open_connection(
    loop: asyncio.AbstractEventLoop,
    host: str,
    port: int,
    login: Login,
    context: ssl.SSLContext | None = None,
    patience: float = 10.0,
) -> Connection:
    """Connects and logs in.

    Parameters:
        loop: the running loop.
        host: a name or an address.
        port: the port.
        login: who we are.
        context: TLS, or None.
        patience: how many seconds all of it may take.

    Raises:
        Refused: the broker lets us not in with this name, password or virtual host.
        ConnectionLost: the broker can't be reached.
        MessagingError: it can't be talked to.
    """
    where = f"{host}:{port}"
    security = Security(context, host) if context is not None else None
    connection: Connection | None = None
    try:
        async with asyncio.timeout(patience):
            _, connection = await loop.create_connection(
                lambda: Connection(loop, where, security), host, port
            )
            await connection.log_in(login)
    except BaseException as exc:
        if connection is not None:
            connection.abort(ConnectionLost(f"the login at {where} was given up"))
            await connection.close()
        if isinstance(exc, TimeoutError):
            raise ConnectionLost(f"RabbitMQ at {where} says nothing for {patience:g} s") from exc
        if isinstance(exc, OSError) and not isinstance(exc, MessagingError):
            raise ConnectionLost(f"RabbitMQ can't be reached at {where}: {exc}") from exc
        raise
    return connection
