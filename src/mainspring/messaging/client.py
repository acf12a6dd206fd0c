"""`Client`: call, cast and fanout.

    client = Client("memory://", Target(topic="math"))
    three = await client.call("add", a=1, b=2)

A client is a target with settings, on a transport that any number of them share; `prepare()` makes
another with other settings, and costs nothing to throw away. Every method may be used from any
thread.
"""

import asyncio
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from mainspring.core.priority import Priority
from mainspring.messaging.errors import InvalidTarget
from mainspring.messaging.outgoing import Outgoing
from mainspring.messaging.participant import Sender
from mainspring.messaging.reply import Reply
from mainspring.messaging.statistics import ClientStatistics
from mainspring.messaging.target import Target, version_is_compatible
from mainspring.messaging.transport import Transport

__all__ = ["DEFAULT_TIMEOUT", "PING", "Client"]

# Seconds; oslo.messaging's rpc_response_timeout.
DEFAULT_TIMEOUT = 60.0
# What every server answers, unless told not to; oslo.messaging's name for it.
PING = "oslo_rpc_server_ping"

_UNSAID: Any = object()


class Client(Outgoing, Sender):
    """Calls methods of servers.

    Parameters:
        transport: a transport, or the URL of one, which is then this client's own and closed with
            it.
        target: the topic, and the defaults of the rest.
        timeout: seconds that a call may take; None for ever. In a handler, a call never takes
            longer than what is left to the handler itself.
        version_cap: the newest version that may be asked for.
        call_monitor_timeout: seconds within which a call wants a sign of life from the server,
            again and again; from 2 on. None: only `timeout` counts.
        priority: of the handler's task; None for that of the caller's.
        mandatory: True: a call or cast that no server would get is an error at once. None: so it
            is, except for a fanout.
        allowed_remote_modules: the modules whose exceptions arrive as what they are.

    Raises:
        InvalidTarget: the target has no topic.
    """

    def __init__(
        self,
        transport: Transport | str,
        target: Target,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        version_cap: str | None = None,
        call_monitor_timeout: float | None = None,
        priority: Priority | int | None = None,
        mandatory: bool | None = None,
        allowed_remote_modules: Collection[str] = (),
    ) -> None:
        if not target.topic:
            raise InvalidTarget("a client needs a topic", target)
        super().__init__(transport)
        self.target = target
        self.timeout = timeout
        self.version_cap = version_cap
        self.call_monitor_timeout = call_monitor_timeout
        self.priority = None if priority is None else Priority(priority)
        self.mandatory = mandatory
        self.allowed_remote_modules = allowed_remote_modules

    @staticmethod
    def of[P](
        protocol: type[P],
        transport: Transport | str,
        target: Target | None = None,
        *,
        verb: Literal["call", "cast", "fanout"] = "call",
        **settings: Any,
    ) -> P:
        """Returns a client with the methods of a protocol, typed as they are.

        Parameters:
            protocol: a class whose coroutine methods have type hints: what a server serves.
            transport: as for `Client`.
            target: as for `Client`; None for the protocol's own `target`.
            verb: what its methods do.
            settings: as for `Client`.

        Returns:
            An object with the protocol's methods; each checks its arguments, and returns a `Reply`
            of the method's type.

        Raises:
            ImportError: msgspec isn't installed.
            InvalidEndpoint: a method's hints can't be used.
            InvalidTarget: there is no target.
        """
        from mainspring.messaging.typed import typed_client

        return typed_client(protocol, transport, target, verb=verb, **settings)

    def __repr__(self) -> str:
        return f"<Client of {self.target} on {self.transport.url.transport}://>"

    def prepare(
        self,
        *,
        exchange: str | None = _UNSAID,
        topic: str | None = _UNSAID,
        namespace: str | None = _UNSAID,
        version: str | None = _UNSAID,
        server: str | None = _UNSAID,
        fanout: bool = _UNSAID,
        timeout: float | None = _UNSAID,
        version_cap: str | None = _UNSAID,
        call_monitor_timeout: float | None = _UNSAID,
        priority: Priority | int | None = _UNSAID,
        mandatory: bool | None = _UNSAID,
    ) -> "Client":
        """Returns a client with other settings, on the same transport; each parameter as above.

        Raises:
            InvalidTarget: the target has no topic.
        """
        changes = {
            "exchange": exchange,
            "topic": topic,
            "namespace": namespace,
            "version": version,
            "server": server,
            "fanout": fanout,
        }
        changes = {name: value for name, value in changes.items() if value is not _UNSAID}
        return Client(
            self.transport,
            self.target(**changes) if changes else self.target,
            timeout=self.timeout if timeout is _UNSAID else timeout,
            version_cap=self.version_cap if version_cap is _UNSAID else version_cap,
            call_monitor_timeout=(
                self.call_monitor_timeout
                if call_monitor_timeout is _UNSAID
                else call_monitor_timeout
            ),
            priority=self.priority if priority is _UNSAID else priority,
            mandatory=self.mandatory if mandatory is _UNSAID else mandatory,
            allowed_remote_modules=self.allowed_remote_modules,
        )

    def can_send_version(self, version: str | None = None) -> bool:
        """Tells whether `version_cap` allows a version.

        Parameters:
            version: the version; None for the target's.
        """
        version = version or self.target.version or "1.0"
        return self.version_cap is None or version_is_compatible(self.version_cap, version)

    def fanout(
        self, method: str, /, *, ctxt: Mapping[str, Any] | None = None, **args: Any
    ) -> Reply[None]:
        """Has a method run by every server of the topic; parameters and result as for `cast`."""
        return self.prepare(fanout=True, server=None).cast(method, ctxt=ctxt, **args)

    def ping(self, server: str | None = None) -> Reply[Any]:
        """Asks a server whether it answers.

        Parameters:
            server: which one; None for the target's, or any.

        Returns:
            The reply, whose result is `"pong"`.
        """
        target = self.target(namespace=None, version=None, server=server or self.target.server)
        return Client(self.transport, target, timeout=self.timeout).call(PING)

    def statistics(self) -> ClientStatistics:
        """Returns what the clients of this transport have done so far."""
        return self._calls.statistics()

    def __enter__(self) -> Self:
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("in a coroutine it is `async with` a client, not `with`")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close().result()
