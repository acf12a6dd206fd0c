"""The query of a transport's URL, read into the dataclass of the transport's options.

The type of a default says how its text is read. A name that nobody knows is an error, because it is
a typing mistake that would otherwise be found in production; an error never shows a password.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

from mainspring.messaging.errors import InvalidTransportURL
from mainspring.messaging.url import TransportURL

__all__ = ["read_boolean", "read_options", "wrong_option"]

_NONE: Mapping[str, str] = {}


def read_options(
    kind: type[Any],
    url: TransportURL,
    aliases: Mapping[str, str] = _NONE,
    without_meaning: Collection[str] = (),
) -> dict[str, Any]:
    """Reads what a URL says of a transport's options.

    Parameters:
        kind: the dataclass of the options; each has a default.
        url: the URL.
        aliases: other names of some options.
        without_meaning: names that are taken and not read.

    Returns:
        Values by name, of those that the URL gives.

    Raises:
        InvalidTransportURL: a name is unknown, or a value can't be one.
    """
    known = {field.name: field for field in fields(kind)}
    given: dict[str, Any] = {}
    for name, text in url.query.items():
        name = aliases.get(name, name)
        if name in known:
            try:
                given[name] = _READERS[type(known[name].default)](text)
            except ValueError as exc:
                raise wrong_option(url, f"{name}={text}: {exc}") from None
        elif name not in without_meaning:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise wrong_option(url, f"there is no option {name!r}{hint}")
    return given


def read_boolean(text: str) -> bool:
    """Returns what a text says of yes or no.

    Raises:
        ValueError: it says neither.
    """
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off", ""):
        return False
    raise ValueError("it is true or false")


def wrong_option(url: TransportURL, why: str) -> InvalidTransportURL:
    """Returns the error for a URL, of which it shows no more than where it leads."""
    hosts = ",".join(f"{host.hostname}:{host.port}" for host in url.hosts)
    return InvalidTransportURL(f"{url.transport}://{hosts}", why)


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise ValueError("it is a whole number from 0 on")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise ValueError("it is a number of seconds")
    return number


_READERS: dict[type, Callable[[str], Any]] = {
    bool: read_boolean,
    int: _whole,
    float: _seconds,
    str: str,
}
