"""Plain data is copied on its way through memory, as it would be by any other wire.

Without the copy, sender and receiver would share lists, and a program that works here would fail
over a network; with it, what no network carries is refused here as well.
"""

import cython

from mainspring.messaging.errors import EncodeError

__all__ = ["copy_mapping", "copy_plain"]

# Far from the end of the C stack, and from where Python's own recursion ends.
DEEPEST = cython.declare(cython.int, 500)


def copy_plain(value):
    """Returns a copy of plain data; tuples come out as lists, as on other wires.

    Raises:
        EncodeError: there is something else in it, or it contains itself.
    """
    return value if is_atom(value) else copy_nested(value, 0)


def copy_mapping(values):
    """Returns a copy of arguments or of a context; raises as `copy_plain`."""
    copied = {}
    if type(values) is dict:
        for key, value in cython.cast(dict, values).items():
            copied[key] = value if is_atom(value) else copy_nested(value, 0)
        return copied
    for key, value in values.items():
        copied[key] = copy_plain(value)
    return copied


def is_atom(value):
    """Tells whether a value is plain and can't change."""
    kind = type(value)
    return (
        kind is str
        or kind is int
        or value is None
        or kind is bool
        or kind is float
        or kind is bytes
    )


def copy_nested(value, depth):
    """Copies what isn't an atom."""
    if depth > DEEPEST:
        raise EncodeError(
            f"a {type(value).__name__} that contains itself, or is nested too deeply, can't be sent"
        )
    # An enum's member or a named tuple is what it derives from.
    if isinstance(value, dict):
        made = {}
        for key, item in value.items():
            if type(key) is not str:
                key = plain_key(key)
            made[key] = item if is_atom(item) else copy_nested(item, depth + 1)
        return made
    if isinstance(value, (list, tuple)):
        return [item if is_atom(item) else copy_nested(item, depth + 1) for item in value]
    for atom in (bool, int, float, str, bytes):
        if isinstance(value, atom):
            return atom(value)
    raise EncodeError(
        f"{value!r} can't be sent: messages carry None, bool, int, float, str, bytes, lists and "
        f"dicts; make one of these of a {type(value).__name__}, or use typed endpoints"
    )


def plain_key(key):
    """Returns a key that isn't a plain str as one."""
    if isinstance(key, str):
        return str(key)
    raise EncodeError(f"{key!r} can't be sent as a key: the keys of a dict are str")
