"""TLS for servers of green threads: the context out of what was given, and a connection in it."""

import ssl as stdlib
from typing import Any

from mainspring.green.socket_class import socket
from mainspring.green.ssl import SSLContext, SSLSocket
from mainspring.green.timeouts import Timeout

__all__ = ["HANDSHAKE_TIMEOUT", "accept_tls", "say_goodbye", "server_context"]

# Seconds, as in asyncio.
HANDSHAKE_TIMEOUT = 60.0

KNOWN = ("ssl_context", "certfile", "keyfile", "password", "ca_certs", "cert_reqs", "ciphers")


def server_context(arguments: dict[str, Any]) -> stdlib.SSLContext | None:
    """Returns the context that the arguments of a server ask for; None if they ask for none.

    Parameters:
        arguments: `ssl_context`, which may be of the stdlib; or `certfile`, and if need be
            `keyfile`, `password`, `ca_certs`, `cert_reqs`, `ciphers`, as in `ssl.SSLContext`.

    Raises:
        TypeError: there is one that isn't known, or others beside a context.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    unknown = [name for name in given if name not in KNOWN]
    if unknown:
        raise TypeError(
            f"{', '.join(unknown)}: not known to the server; of TLS it knows {', '.join(KNOWN)}"
        )
    if not given:
        return None
    context: stdlib.SSLContext | None = given.pop("ssl_context", None)
    if context is not None:
        if given:
            raise TypeError(
                f"{', '.join(given)} can't be given beside ssl_context, which has its own"
            )
        return context
    if "certfile" not in given:
        raise TypeError(f"certfile is missing: a server needs one for TLS, got {sorted(given)}")
    context = SSLContext(stdlib.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["certfile"], given.get("keyfile"), given.get("password"))
    if "ca_certs" in given:
        context.load_verify_locations(given["ca_certs"])
    if "cert_reqs" in given:
        context.verify_mode = given["cert_reqs"]
    if "ciphers" in given:
        context.set_ciphers(given["ciphers"])
    return context


def accept_tls(
    connection: socket, context: stdlib.SSLContext, timeout: float = HANDSHAKE_TIMEOUT
) -> SSLSocket:
    """Does the handshake of an accepted connection, and returns it in TLS.

    Parameters:
        connection: the connection, which the TLS socket takes over, or which is closed.
        context: a context, green or not.
        timeout: seconds for the handshake.

    Raises:
        OSError: the handshake failed; TimeoutError if its time was over.
    """
    encrypted = SSLSocket._create(  # type: ignore[attr-defined]
        sock=connection, server_side=True, do_handshake_on_connect=False, context=context
    )
    try:
        with Timeout(timeout, TimeoutError("the TLS handshake took too long")):
            encrypted.do_handshake()
    except BaseException:
        encrypted.close()
        raise
    return encrypted  # type: ignore[no-any-return]


def say_goodbye(connection: SSLSocket) -> None:
    """Tells the peer that this is the end, and not a cut; doesn't wait for its answer."""
    try:
        connection.settimeout(0.0)
        connection.unwrap()
    except (OSError, ValueError):
        # It has gone, or has yet to answer.
        pass
