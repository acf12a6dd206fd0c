"""`Dispatcher`: from a request's namespace, version and method to the function that serves it.

The rule is oslo.messaging's. Endpoints are asked in order; the first that answers to the namespace,
implements the version and has the method serves it. Where one answers but has no such method, or
the policy forbids it, that is `NoSuchMethod`; where none answers, `UnsupportedVersion`.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from mainspring.green.calls import green
from mainspring.green.generators import GeneratorCoroutine
from mainspring.messaging.admission import Cap
from mainspring.messaging.client import PING
from mainspring.messaging.endpoint import RPCAccessPolicy, Run, check_endpoint, options_of
from mainspring.messaging.errors import InvalidEndpoint, NoSuchMethod, UnsupportedVersion
from mainspring.messaging.messages import Request
from mainspring.messaging.statistics import MethodStatistics
from mainspring.messaging.target import Target, version_is_compatible

__all__ = ["Dispatcher", "Method"]


class Method:
    """A method of an endpoint, and how it is run.

    Parameters:
        name: what callers call it.
        function: what is called.
        typed: whether type hints count where the method doesn't say.

    Attributes:
        caps: what bounds how many of it run at once; the server adds its own.
        arguments: makes the function's arguments of those that came; None: as they are.
        result: makes plain data of what it returned; None: as it is.
    """

    def __init__(self, name: str, function: Callable[..., Any], typed: bool = False) -> None:
        said = options_of(function)
        self.name = name
        self.function = function
        awaits = inspect.iscoroutinefunction(function)
        yields = inspect.isgeneratorfunction(function)
        self.run: Run = said.run or ("loop" if awaits or yields else "thread")
        if self.run != "loop" and (awaits or yields):
            raise InvalidEndpoint(
                f"{name!r} is a coroutine or generator function, which runs in the loop, "
                f"not with run={said.run!r}"
            )
        # Makes what a task runs of the arguments; None for what isn't run as a task.
        self.coroutine: Callable[..., Awaitable[Any]] | None = None
        if awaits:
            self.coroutine = function
        elif yields:
            self.coroutine = lambda *args, **more: GeneratorCoroutine(function(*args, **more))
        elif self.run == "green":
            self.coroutine = partial(green, function)
        self.timeout = said.timeout
        self.expected = said.expected
        self.cap = None if said.concurrency is None else Cap(said.concurrency)
        self.caps: list[Cap] = [] if self.cap is None else [self.cap]
        self.counts = MethodStatistics()
        self.arguments: Callable[[dict[str, Any]], dict[str, Any]] | None = None
        self.result: Callable[[Any], Any] | None = None
        if typed if said.typed is None else said.typed:
            from mainspring.messaging.typed import Signature

            signature = Signature.of(function)
            self.arguments = signature.read_arguments
            self.result = signature.write_result


class _Ping:
    async def answer(self) -> str:
        """Answers `Client.ping`."""
        return "pong"


class Dispatcher:
    """Finds methods.

    Parameters:
        endpoints: objects, in the order in which they are asked.
        policy: says what may be called.
        typed: whether type hints count where a method doesn't say.
        ping: whether `Client.ping` is answered.

    Raises:
        InvalidEndpoint: an object can't be an endpoint.
    """

    def __init__(
        self,
        endpoints: Sequence[object],
        policy: RPCAccessPolicy,
        typed: bool = False,
        ping: bool = True,
    ) -> None:
        for each in endpoints:
            check_endpoint(each)
        self._endpoints = list(endpoints)
        self._policy = policy
        self._typed = typed
        # By endpoint and name; filled at once, so that what is wrong with one shows at the start.
        self._methods: dict[tuple[int, str], Method] = {}
        self._found: dict[tuple[str | None, str | None, str], Method] = {}
        for number, each in enumerate(self._endpoints):
            for name in dir(each):
                if self._is_method(each, name):
                    self._methods[number, name] = Method(name, getattr(each, name), typed)
        self._ping = Method(PING, _Ping().answer) if ping else None

    @property
    def methods(self) -> list[Method]:
        """All methods that can be called, but for the ping."""
        return list(self._methods.values())

    def find(self, request: Request) -> Method:
        """Returns the method that serves a request.

        Raises:
            NoSuchMethod: an endpoint answers, but has no such method that may be called.
            UnsupportedVersion: no endpoint answers to the namespace and the version.
        """
        target = request.target
        key = target.namespace, target.version, request.method
        found = self._found.get(key)
        if found is None:
            # Only what exists is remembered: a caller can't fill the table.
            found = self._found[key] = self._look_up(*key)
        return found

    def _look_up(self, namespace: str | None, version: str | None, method: str) -> Method:
        if method == PING and self._ping is not None and namespace is None:
            return self._ping
        answers = False
        for number, each in enumerate(self._endpoints):
            target = getattr(each, "target", None) or Target()
            if namespace not in target.accepted_namespaces:
                continue
            if not version_is_compatible(target.version or "1.0", version or "1.0"):
                continue
            answers = True
            found = self._methods.get((number, method))
            if found is not None:
                return found
        if answers:
            raise NoSuchMethod(method)
        raise UnsupportedVersion(version or "1.0", method)

    def _is_method(self, each: object, name: str) -> bool:
        if name == "target" or (name.startswith("__") and name.endswith("__")):
            return False
        return callable(getattr(each, name, None)) and self._policy.is_allowed(each, name)
