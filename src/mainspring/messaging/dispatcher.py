"""`Dispatcher`: from a request's namespace, version and method to the function that serves it.

The rule is oslo.messaging's. Endpoints are asked in order; the first that answers to the namespace,
implements the version and has the method serves it. Where one answers but has no such method, or
the policy forbids it, that is `NoSuchMethod`; where none answers, `UnsupportedVersion`.
"""

from collections.abc import Sequence

from mainspring.messaging.client import PING
from mainspring.messaging.endpoint import RPCAccessPolicy, check_endpoint
from mainspring.messaging.errors import NoSuchMethod, UnsupportedVersion
from mainspring.messaging.messages import Request
from mainspring.messaging.method import Method
from mainspring.messaging.target import Target, version_is_compatible

__all__ = ["Dispatcher"]


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
