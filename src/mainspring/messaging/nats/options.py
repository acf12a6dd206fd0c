"""`Options`: what the query of a nats:// URL says; and where its servers are."""

import importlib.util
import ssl
from dataclasses import dataclass, field
from typing import NamedTuple

from mainspring.messaging.errors import DriverLoadFailure, InvalidTransportURL
from mainspring.messaging.link import Pauses
from mainspring.messaging.options import read_options, wrong_option
from mainspring.messaging.url import TransportHost, TransportURL

__all__ = ["Options", "Place", "context_of", "places_of"]

_PORT = 4222
# With either of these there is TLS, whatever else the URL says.
_TLS_SCHEME = "tls"


class Place(NamedTuple):
    """A server, and who we are there.

    Attributes:
        host: a name or an address.
        port: the port.
        user: None for no login, or for one by a token or a key.
        password: None if there is no user.
        token: None unless that is the login.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @property
    def where(self) -> str:
        """Host and port, as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Options:
    """Settings of a transport.

    Attributes:
        name: what the connection is called in the server's monitoring.
        token: the login, where the URL names none.
        credentials_file: a file with a JWT and the seed of its key.
        nkey_seed_file: a file with the seed of a key.
        tls: TLS, or no connection at all.
        tls_ca_file: the certificates to trust; empty: the system's.
        tls_cert_file: a certificate of our own.
        tls_key_file: its key, if it isn't in the same file.
        tls_verify_hostname: the server's certificate must be for its host.
        heartbeat: seconds between signs of life; a server that misses one is given up.
        connection_timeout: seconds that connecting and the login may take together.
        reconnect_delay: the longest pause before the first new attempt after a loss.
        retry_interval: the first pause between attempts.
        retry_backoff: by how much each is longer.
        retry_max: the longest.
        inbox_prefix: what the subjects for answers begin with.
        max_pending: how many messages may wait for a connection.
        max_pending_bytes: how many bytes may wait to be sent.
        max_waiting: how many requests a server, or notifications a listener, holds beyond its
            prefetch; what comes then is refused.
    """

    name: str = "mainspring"
    token: str = field(default="", repr=False)
    credentials_file: str = ""
    nkey_seed_file: str = ""
    tls: bool = False
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_verify_hostname: bool = True
    heartbeat: float = 20.0
    connection_timeout: float = 10.0
    reconnect_delay: float = 1.0
    retry_interval: float = 1.0
    retry_backoff: float = 2.0
    retry_max: float = 30.0
    inbox_prefix: str = "_INBOX"
    max_pending: int = 100_000
    max_pending_bytes: int = 64 << 20
    max_waiting: int = 10_000

    @classmethod
    def of(cls, url: TransportURL) -> "Options":
        """Reads the query of a URL.

        Raises:
            InvalidTransportURL: a name is unknown, or a value can't be one.
            DriverLoadFailure: keys are asked for, and what signs with them isn't installed.
        """
        given = read_options(cls, url)
        if url.transport == _TLS_SCHEME or given.get("tls_ca_file") or given.get("tls_cert_file"):
            given["tls"] = True
        made = cls(**given)
        if made.heartbeat <= 0:
            raise wrong_option(url, "heartbeat is a number of seconds above 0")
        if any(not part or set(part) & set(" \t\r\n*>") for part in made.inbox_prefix.split(".")):
            raise wrong_option(url, f"inbox_prefix={made.inbox_prefix} is no subject")
        if (made.credentials_file or made.nkey_seed_file) and not importlib.util.find_spec("nkeys"):
            raise DriverLoadFailure(
                "credentials_file and nkey_seed_file need nkeys: `pip install 'nats-py[nkeys]'`"
            )
        return made

    @property
    def pauses(self) -> Pauses:
        """How long to wait between attempts to connect."""
        return Pauses(self.retry_interval, self.retry_backoff, self.retry_max, self.reconnect_delay)


def places_of(url: TransportURL, options: Options) -> list[Place]:
    """Returns the servers of a URL; a name without a password is a token, as everywhere in NATS."""
    places = []
    for host in url.hosts or (TransportHost(),):
        user, password, token = host.username, host.password, options.token or None
        if user is not None and password is None:
            user, token = None, user
        name = host.hostname or "localhost"
        places.append(Place(name, host.port or _PORT, user, password, token))
    return places


def context_of(url: TransportURL, options: Options) -> ssl.SSLContext | None:
    """Returns the settings of TLS, or None if the URL doesn't ask for it.

    Raises:
        InvalidTransportURL: a file can't be read.
    """
    if not options.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=options.tls_ca_file or None)
        context.check_hostname = options.tls_verify_hostname
        if options.tls_cert_file:
            context.load_cert_chain(options.tls_cert_file, options.tls_key_file or None)
    except OSError as exc:
        files = f"tls_ca_file={options.tls_ca_file}, tls_cert_file={options.tls_cert_file}"
        raise InvalidTransportURL(f"{url.transport}://", f"TLS with {files}: {exc}") from exc
    return context
