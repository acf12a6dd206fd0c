"""Plain data on its way into JSON or MessagePack: what is refused, and which of the two carries it.

JSON can be read by everybody and everything, so it is what is sent; but it has no bytes, and no
number that isn't finite. Where such a value is, the message is MessagePack. Nothing else is left to
the encoder, which would take more than plain data and return something else at the other end.
"""

import cython
from cython.cimports.libc.math import isfinite
from cython.cimports.mainspring.messaging.memory.plain import copy_mapping, copy_plain

__all__ = ["Plain"]

# Deeper than what can be copied, and far from the end of the C stack.
DEEPEST = cython.declare(cython.int, 510)

# What carries a value, from what everybody reads to nothing.
JSON = cython.declare(cython.int, 0)
MSGPACK = cython.declare(cython.int, 1)
OTHER = cython.declare(cython.int, 2)


class Plain:
    """Makes plain data of the values of one message, and knows what carries all of them.

    Attributes:
        is_json: whether JSON does.
    """

    def __cinit__(self):
        self.is_json = True

    def mapping(self, values):
        """Returns arguments or a context as plain data.

        Parameters:
            values: names and values.

        Raises:
            EncodeError: there is something else in it, or it contains itself.
        """
        carrier: cython.int = OTHER
        if type(values) is dict:
            carrier = carrier_of_dict(values, 0)
        if carrier == OTHER:
            # It is none, or of a class that derives from plain data: this tells.
            values = copy_mapping(values)
            carrier = carrier_of_dict(values, 0)
        self.is_json = self.is_json and carrier == JSON
        return values

    def value(self, value):
        """Returns a result or a payload as plain data; raises as `mapping`."""
        carrier: cython.int = carrier_of(value, 0)
        if carrier == OTHER:
            value = copy_plain(value)
            carrier = carrier_of(value, 0)
        self.is_json = self.is_json and carrier == JSON
        return value


def carrier_of(value, depth):
    """Returns what carries a value."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        return JSON
    if kind is float:
        return JSON if isfinite(value) else MSGPACK
    if kind is bytes:
        return MSGPACK
    if kind is dict:
        return carrier_of_dict(value, depth + 1)
    if kind is list:
        return carrier_of_items(value, depth + 1)
    if kind is tuple:
        return carrier_of_items(list(value), depth + 1)
    return OTHER


def carrier_of_dict(values, depth):
    carrier: cython.int = JSON
    if depth > DEEPEST:
        return OTHER
    for key, value in values.items():
        if type(key) is not str:
            return OTHER
        carrier = max(carrier, carrier_of(value, depth))
        if carrier == OTHER:
            break
    return carrier


def carrier_of_items(items, depth):
    carrier: cython.int = JSON
    if depth > DEEPEST:
        return OTHER
    for item in items:
        carrier = max(carrier, carrier_of(item, depth))
        if carrier == OTHER:
            break
    return carrier
