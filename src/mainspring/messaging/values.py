"""What messages carry besides plain data: a trace context, and an exception on its way."""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Failure", "Trace"]

_EMPTY: Mapping[str, Any] = {}


class Trace(NamedTuple):
    """A W3C trace context: the values of its two headers."""

    traceparent: str
    tracestate: str | None = None


class Failure(NamedTuple):
    """An exception on its way to the caller.

    Attributes:
        name: the class's name, as `"ValueError"`.
        module: the class's module, as `"builtins"`.
        message: what `str` says of the exception.
        args: its arguments.
        kwargs: its `kwargs`, where it has such an attribute, as oslo.messaging sends them.
        traceback: the lines of the formatted traceback, causes included.
        cause: the failure that is its `__cause__`, and so on.
        exceptions: the members of an exception group, whose `args` is the message alone.
    """

    name: str
    module: str
    message: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = _EMPTY
    traceback: tuple[str, ...] = ()
    cause: "Failure | None" = None
    exceptions: "tuple[Failure, ...]" = ()
