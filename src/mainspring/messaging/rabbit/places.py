"""Where the brokers are, and how they are talked to: what a URL says of hosts, logins and TLS."""

import ssl

from mainspring.messaging.errors import InvalidTransportURL
from mainspring.messaging.rabbit.login import Login
from mainspring.messaging.rabbit.options import Options
from mainspring.messaging.rabbit.security import make_context
from mainspring.messaging.url import TransportHost, TransportURL

__all__ = ["Place", "context_of", "places_of"]

type Place = tuple[str, int, Login]

_PORT = 5672
_TLS_PORT = 5671


def context_of(url: TransportURL, options: Options) -> ssl.SSLContext | None:
    """Returns the settings of TLS, or None without TLS.

    Raises:
        InvalidTransportURL: a file can't be read.
    """
    if not options.ssl:
        return None
    try:
        return make_context(
            options.ssl_ca_file,
            options.ssl_cert_file,
            options.ssl_key_file,
            options.ssl_enforce_hostname_verification,
        )
    except OSError as exc:
        files = f"ssl_ca_file={options.ssl_ca_file}, ssl_cert_file={options.ssl_cert_file}"
        raise InvalidTransportURL(f"{url.transport}://", f"TLS with {files}: {exc}") from exc


def places_of(url: TransportURL, options: Options) -> list[Place]:
    """Returns host, port and login of each broker; defaults for what isn't said."""
    places = []
    for host in url.hosts or (TransportHost(),):
        login = Login(
            username=host.username or "guest",
            password=host.password if host.password is not None else "guest",
            virtual_host=url.virtual_host or "/",
            method=options.rabbit_login_method,
            heartbeat=options.heartbeat_timeout_threshold,
        )
        port = host.port or (_TLS_PORT if options.ssl else _PORT)
        places.append((host.hostname or "localhost", port, login))
    return places
