"""Typed endpoints and clients: arguments and results are checked and converted by their type hints.

What travels is plain data; msgspec makes it of dataclasses, structs, dates, UUIDs, enums and the
like, and makes these of it again. A value that isn't what the hint says is an `InvalidArguments`,
before anything is sent or run. Without msgspec everything else of messaging works.
"""

import inspect
import typing
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, Self

from mainspring.messaging.client import Client
from mainspring.messaging.errors import InvalidArguments, InvalidEndpoint, InvalidTarget
from mainspring.messaging.reply import Reply
from mainspring.messaging.target import Target
from mainspring.messaging.transport import Transport

try:
    import msgspec
except ImportError as exc:
    raise ImportError(
        "typed endpoints and clients need msgspec, which comes with the messaging extra: "
        "`pip install 'mainspring[messaging]'`",
        name="msgspec",
    ) from exc

__all__ = ["Signature", "typed_client"]

# What transports carry besides JSON's types; msgspec would make text of it.
_PLAIN = (bytes,)


class Signature:
    """The type hints of a function, in both directions.

    Parameters:
        function: a function or a bound method, or with `skip` one that has yet to be bound.
        skip: how many parameters to leave out, from the first on.

    Raises:
        InvalidEndpoint: it takes any arguments, or a hint can't be resolved.
    """

    def __init__(self, function: Callable[..., Any], skip: int = 0) -> None:
        self.name = function.__name__
        try:
            hints = typing.get_type_hints(function, include_extras=True)
        except NameError as exc:
            raise InvalidEndpoint(f"{self.name!r}: {exc}, in a type hint") from exc
        fields: list[Any] = []
        parameters = list(inspect.signature(function).parameters.values())[skip:]
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise InvalidEndpoint(
                    f"{self.name!r} takes any arguments, by *{parameter.name}: nothing can be "
                    f"checked; name them, or mark the method with typed=False"
                )
            hint = hints.get(parameter.name, Any)
            if parameter.default is parameter.empty:
                fields.append((parameter.name, hint))
            else:
                fields.append((parameter.name, hint | msgspec.UnsetType, msgspec.UNSET))
        self._names = [parameter.name for parameter in parameters]
        self._signature = inspect.Signature(
            [
                p.replace(kind=p.POSITIONAL_OR_KEYWORD)
                for p in parameters
                if p.kind != p.KEYWORD_ONLY
            ]
            + [p for p in parameters if p.kind == p.KEYWORD_ONLY]
        )
        self._arguments = msgspec.defstruct(
            f"arguments of {self.name}", fields, kw_only=True, forbid_unknown_fields=True
        )
        self._returns = hints.get("return", Any)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """Returns the signature of a function or a bound method."""
        return cls(function)

    def read_arguments(self, args: dict[str, Any]) -> dict[str, Any]:
        """Makes a function's arguments of what has come.

        Raises:
            InvalidArguments: they aren't what the hints say.
        """
        try:
            made = msgspec.convert(args, self._arguments, builtin_types=_PLAIN)
        except msgspec.ValidationError as exc:
            raise InvalidArguments(f"{self.name!r}: {exc}") from None
        return {
            name: value
            for name in self._names
            if (value := getattr(made, name)) is not msgspec.UNSET
        }

    def write_arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Makes plain data of a caller's arguments.

        Raises:
            InvalidArguments: they aren't what the hints say.
        """
        try:
            bound = self._signature.bind(*args, **kwargs).arguments
        except TypeError as exc:
            raise InvalidArguments(f"{self.name!r}: {exc}") from None
        plain: dict[str, Any] = self._plain(bound)
        self.read_arguments(plain)
        return plain

    def write_result(self, result: Any) -> Any:
        """Makes plain data of what a function returned.

        Raises:
            InvalidArguments: it isn't what the hint says.
        """
        plain = self._plain(result)
        self.read_result(plain)
        return plain

    def read_result(self, plain: Any) -> Any:
        """Makes a result of what has come.

        Raises:
            InvalidArguments: it isn't what the hint says.
        """
        try:
            return msgspec.convert(plain, self._returns, builtin_types=_PLAIN)
        except msgspec.ValidationError as exc:
            raise InvalidArguments(f"the result of {self.name!r}: {exc}") from None

    def _plain(self, value: Any) -> Any:
        try:
            return msgspec.to_builtins(value, builtin_types=_PLAIN, str_keys=True)
        except TypeError as exc:
            raise InvalidArguments(f"{self.name!r}: {exc}") from None


class _TypedClient:
    """An object with a protocol's methods, each of which sends."""

    def __init__(self, protocol: type, client: Client, verb: str) -> None:
        self._protocol = protocol
        self._client = client
        send = partial(_call, client) if verb == "call" else partial(_tell, getattr(client, verb))
        for name, function in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                setattr(self, name, _method(Signature(function, skip=1), send))

    def __repr__(self) -> str:
        return f"<{self._protocol.__name__} by {self._client!r}>"


def _call(client: Client, signature: Signature, args: dict[str, Any]) -> Reply[Any]:
    return client.begin_call(signature.name, args, None, signature.read_result)


def _tell(
    send: Callable[..., Reply[None]], signature: Signature, args: dict[str, Any]
) -> Reply[None]:
    return send(signature.name, **args)


def _method(
    signature: Signature, send: Callable[[Signature, dict[str, Any]], Reply[Any]]
) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        return send(signature, signature.write_arguments(args, kwargs))

    method.__name__ = signature.name
    return method


def typed_client[P](
    protocol: type[P],
    transport: Transport | str,
    target: Target | None = None,
    *,
    verb: Literal["call", "cast", "fanout"] = "call",
    **settings: Any,
) -> P:
    """Returns a client with the methods of a protocol: `Client.of`."""
    target = target or getattr(protocol, "target", None)
    if target is None:
        raise InvalidTarget(f"{protocol.__name__} has no target of its own: one is needed", None)
    if verb not in ("call", "cast", "fanout"):
        raise ValueError(f"verb must be 'call', 'cast' or 'fanout', not {verb!r}")
    made: Any = _TypedClient(protocol, Client(transport, target, **settings), verb)
    return made  # type: ignore[no-any-return]
