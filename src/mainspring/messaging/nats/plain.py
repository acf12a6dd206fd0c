"""Plain data on its way into JSON or MessagePack: what is refused, and which of the two carries it.

JSON can be read by everybody and everything, so it is what is sent; but it has no bytes, and no
number that isn't finite. Where such a value is, the message is MessagePack. Nothing else is left to
the encoder, which would take more than plain data and return something else at the other end.

The types of a container's items are looked at all at once, in C; what is nothing but str, int, bool
and None, as most arguments are, needs no more than that.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from mainspring.messaging.memory.plain import copy_mapping, copy_plain

__all__ = ["plain_mapping", "plain_value"]

_SIMPLE = frozenset({str, int, bool, type(None)})
_CONTAINERS = frozenset({dict, list, tuple})
_PLAIN = _SIMPLE | _CONTAINERS | {float, bytes}


def plain_mapping(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Returns arguments or a context as plain data, and whether JSON carries it.

    Parameters:
        values: names and values.

    Raises:
        EncodeError: there is something else in it, or it contains itself.
    """
    if type(values) is dict and _SIMPLE.issuperset(map(type, values.values())):
        return values, True
    try:
        return values, _looked_at(values)
    except (_NotPlain, RecursionError):
        copied = copy_mapping(values)
    return copied, _looked_at(copied)


def plain_value(value: Any) -> tuple[Any, bool]:
    """Returns a result or a payload as plain data, and whether JSON carries it.

    Parameters:
        value: anything.

    Raises:
        EncodeError: as for `plain_mapping`.
    """
    if type(value) in _SIMPLE:
        return value, True
    try:
        return value, _looked_at((value,))
    except (_NotPlain, RecursionError):
        # It is none, or of a class that derives from plain data: this tells.
        copied = copy_plain(value)
    return copied, _looked_at((copied,))


class _NotPlain(Exception):
    """There is something in it that isn't plain data."""


def _looked_at(container: Any) -> bool:
    """Looks at what is in a container; returns whether JSON carries it."""
    items: Iterable[Any] = container
    if isinstance(container, dict):
        if not {str}.issuperset(map(type, container)):
            raise _NotPlain
        items = container.values()
    found = set(map(type, items))
    if found <= _SIMPLE:
        return True
    if not found <= _PLAIN:
        raise _NotPlain
    is_json = bytes not in found
    if float in found and is_json:
        is_json = all(isfinite(item) for item in items if type(item) is float)
    if found & _CONTAINERS:
        for item in items:
            if type(item) in _CONTAINERS and not _looked_at(item):
                is_json = False
    return is_json
