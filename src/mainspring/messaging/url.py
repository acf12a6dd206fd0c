"""`TransportURL`: where a broker is, in oslo.messaging's form of a URL with any number of hosts.

    rabbit://user:secret@host1:5672,host2:5672/vhost?heartbeat=30

What a query means, and the port when none is given, is the transport's matter.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from mainspring.messaging.errors import InvalidTransportURL

__all__ = ["TransportHost", "TransportURL"]


@dataclass(frozen=True, slots=True)
class TransportHost:
    """One broker.

    Attributes:
        hostname: a name or an address; None for the transport's default. An IPv6 address has no
            brackets here.
        port: None for the transport's default.
        username: None if the URL has none.
        password: the same; `repr` doesn't show it.
    """

    hostname: str | None = None
    port: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TransportURL:
    """A URL, taken apart.

    Attributes:
        transport: the scheme, as `"rabbit"`.
        hosts: in the order of the URL; none if it names none.
        virtual_host: the path without its first slash, unquoted; None if there is none.
        query: each key once, the last one counting.
    """

    transport: str
    hosts: tuple[TransportHost, ...] = ()
    virtual_host: str | None = None
    query: dict[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, url: str) -> "TransportURL":
        """Takes a URL apart.

        Parameters:
            url: as above. User and password may be percent-encoded; one that is given for the first
                host alone is for that host alone.

        Raises:
            InvalidTransportURL: it has no scheme, or a host can't be read.
        """
        scheme, colon, rest = url.partition(":")
        if not colon or not scheme:
            raise InvalidTransportURL(url, "it must begin with a scheme, as memory:// does")
        rest = rest.removeprefix("//")
        rest, _, query = rest.partition("?")
        authority, slash, path = rest.partition("/")
        hosts = tuple(_host(part, url) for part in authority.split(",")) if authority else ()
        return cls(
            transport=scheme,
            hosts=hosts,
            virtual_host=unquote(path) if slash and path else None,
            query=dict(parse_qsl(query, keep_blank_values=True)),
        )


def _host(text: str, url: str) -> TransportHost:
    login, at, place = text.rpartition("@")
    username = password = None
    if at:
        name, colon, secret = login.partition(":")
        username = unquote(name)
        password = unquote(secret) if colon else None
    if place.startswith("["):
        host, bracket, tail = place[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise InvalidTransportURL(_hidden(url), f"{place!r} is no address")
        port = tail[1:]
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise InvalidTransportURL(_hidden(url), f"{port!r} is no port")
    return TransportHost(host or None, int(port) if port else None, username, password)


def _hidden(url: str) -> str:
    """Returns the URL without what stands before the last @: an error must not show a password."""
    scheme, colon, rest = url.partition("://")
    return f"{scheme}{colon}...@{rest.rpartition('@')[2]}" if "@" in rest else url
