"""Plain data is copied on its way through memory, as it would be by any other wire.

Without the copy, sender and receiver would share lists, and a program that works here would fail
over a network; with it, what no network carries is refused here as well.
"""

from typing import Any

from mainspring.messaging.errors import EncodeError

__all__ = ["copy_plain"]

_ATOMS = frozenset({str, int, float, bool, type(None), bytes})


def copy_plain(value: Any) -> Any:
    """Returns a copy of plain data; tuples come out as lists, as on other wires.

    Raises:
        EncodeError: there is something else in it, or it contains itself.
    """
    if type(value) in _ATOMS:
        return value
    try:
        return _copy(value)
    except RecursionError:
        raise EncodeError(
            f"a {type(value).__name__} that contains itself, or is nested too deeply, can't be sent"
        ) from None


def copy_mapping(values: Any) -> dict[str, Any]:
    """Returns a copy of arguments or of a context; raises as `copy_plain`."""
    copied = {}
    for key, value in values.items():
        # Most values are atoms: no call for them.
        copied[key] = value if type(value) in _ATOMS else copy_plain(value)
    return copied


def _copy(value: Any) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is list or kind is tuple:
        return [item if type(item) in _ATOMS else _copy(item) for item in value]
    if kind is dict:
        return {_key(key): _copy(item) for key, item in value.items()}
    # An enum's member or a named tuple is what it derives from.
    if isinstance(value, dict):
        return {_key(key): _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    for atom in (bool, int, float, str, bytes):
        if isinstance(value, atom):
            return atom(value)  # type: ignore[arg-type]
    raise EncodeError(
        f"{value!r} can't be sent: messages carry None, bool, int, float, str, bytes, lists and "
        f"dicts; make one of these of a {kind.__name__}, or use typed endpoints"
    )


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    raise EncodeError(f"{key!r} can't be sent as a key: the keys of a dict are str")
