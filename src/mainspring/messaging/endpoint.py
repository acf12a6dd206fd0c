"""What an endpoint's author says of its methods: `@endpoint`, `@expose`, and who may call what.

An endpoint is any object; its methods are what callers call. It may have a `target`, whose
namespace and version say what it answers to.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

from mainspring.messaging.errors import InvalidEndpoint

__all__ = [
    "DefaultRPCAccessPolicy",
    "EndpointOptions",
    "ExplicitRPCAccessPolicy",
    "LegacyRPCAccessPolicy",
    "RPCAccessPolicy",
    "endpoint",
    "expected_exceptions",
    "expose",
    "options_of",
]

type Run = Literal["loop", "thread", "green"]


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """What was said of a method; the defaults are what holds where nothing was."""

    run: Run | None = None
    concurrency: int | None = None
    timeout: float | None = None
    typed: bool | None = None
    exposed: bool = False
    expected: tuple[type[BaseException], ...] = ()


_OPTIONS = "__mainspring_endpoint__"


@overload
def endpoint[F: Callable[..., Any]](function: F, /) -> F: ...


@overload
def endpoint[F: Callable[..., Any]](
    *,
    run: Run | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
    typed: bool | None = None,
) -> Callable[[F], F]: ...


def endpoint(
    function: Any = None,
    /,
    *,
    run: Run | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
    typed: bool | None = None,
) -> Any:
    """Decorator: says how a method is run, and exposes it.

    Parameters:
        run: `"loop"`: a coroutine or generator function as a task; a plain function right in the
            loop's thread, where it must not block, and may return a future. `"thread"`: a plain
            function in a thread of the server's. `"green"`: a plain function in a green thread,
            where it waits with `await_`. None: a coroutine or generator function in the loop, a
            plain one in a thread.
        concurrency: how many calls of it one server runs at once; None for as many as the server
            does.
        timeout: seconds that it may run; None for as long as the caller waits.
        typed: True has the arguments and the result checked and converted by their type hints,
            False not; None as the server says.

    Raises:
        ValueError: a parameter has no meaning.
    """
    if run not in (None, "loop", "thread", "green"):
        raise ValueError(f"run must be 'loop', 'thread' or 'green', not {run!r}")
    if concurrency is not None and concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, not {concurrency!r}")
    if timeout is not None and timeout <= 0:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout!r}")

    def mark(function: Any) -> Any:
        said = replace(
            options_of(function),
            run=run,
            concurrency=concurrency,
            timeout=timeout,
            typed=typed,
            exposed=True,
        )
        setattr(function, _OPTIONS, said)
        return function

    return mark if function is None else mark(function)


def expose[F: Callable[..., Any]](function: F) -> F:
    """Decorator: lets a method be called under `ExplicitRPCAccessPolicy`."""
    setattr(function, _OPTIONS, replace(options_of(function), exposed=True))
    return function


def expected_exceptions[F: Callable[..., Any]](
    *exceptions: type[BaseException],
) -> Callable[[F], F]:
    """Decorator: these exceptions are the caller's matter, and the server logs nothing of them."""

    def mark(function: F) -> F:
        setattr(function, _OPTIONS, replace(options_of(function), expected=exceptions))
        return function

    return mark


def options_of(function: Any) -> EndpointOptions:
    """Returns what was said of a function or method."""
    found: EndpointOptions = getattr(function, _OPTIONS, EndpointOptions())
    return found


def check_endpoint(instance: object) -> None:
    """Refuses what can't be an endpoint.

    Raises:
        InvalidEndpoint: it is a class, or its `target` is no target.
    """
    from mainspring.messaging.target import Target

    if inspect.isclass(instance):
        raise InvalidEndpoint(
            f"{instance!r} is a class: give an object of it, as {instance.__name__}()"
        )
    target = getattr(instance, "target", None)
    if target is not None and not isinstance(target, Target):
        raise InvalidEndpoint(
            f"{instance!r}.target must be a Target, not {target!r}: the name is reserved for what "
            f"the endpoint answers to"
        )


class RPCAccessPolicy:
    """Decides which methods of an endpoint may be called."""

    def is_allowed(self, endpoint: object, method: str) -> bool:
        """Returns True if a method may be called.

        Parameters:
            endpoint: the object.
            method: the name, of something that it has.
        """
        raise NotImplementedError


class LegacyRPCAccessPolicy(RPCAccessPolicy):
    """Allows everything."""

    def is_allowed(self, endpoint: object, method: str) -> bool:
        """Returns True."""
        return True


class DefaultRPCAccessPolicy(RPCAccessPolicy):
    """Allows what doesn't begin with an underscore."""

    def is_allowed(self, endpoint: object, method: str) -> bool:
        """Returns True for a public name."""
        return not method.startswith("_")


class ExplicitRPCAccessPolicy(RPCAccessPolicy):
    """Allows what `@expose` or `@endpoint` marks."""

    def is_allowed(self, endpoint: object, method: str) -> bool:
        """Returns True for what is marked."""
        return options_of(getattr(endpoint, method, None)).exposed
