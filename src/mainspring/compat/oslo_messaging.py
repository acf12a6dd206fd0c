"""oslo.messaging's own signatures on `mainspring.messaging`: ported code changes an import.

    from mainspring.compat import oslo_messaging

    transport = oslo_messaging.get_rpc_transport(None, url="memory://")
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="math"))
    three = client.call({"user": "bob"}, "add", a=1, b=2)

Everything waits as the rest of the program does: a green thread gives way, an OS thread blocks. A
call in the thread of a loop, outside a green thread, is an error, as every `await_` is there.

`conf` is only asked for `transport_url`, and may be None; what oslo.config would say of a broker is
said by the URL. A serializer is any object with oslo.messaging's four methods.
"""

from collections.abc import Callable, Sequence
from typing import Any

from mainspring.compat.oslo_endpoints import (
    AdaptedEndpoint,
    AdaptedPolicy,
    NoOpSerializer,
    server_method,
)
from mainspring.compat.oslo_notifications import (
    NotificationListener,
    Notifier,
    get_batch_notification_listener,
    get_notification_listener,
)
from mainspring.compat.oslo_transports import (
    OsloTransport,
    TransportOptions,
    get_notification_transport,
    get_rpc_transport,
    native,
)
from mainspring.green.waiting import await_
from mainspring.messaging import (
    Client,
    DefaultRPCAccessPolicy,
    ExplicitRPCAccessPolicy,
    InvalidTarget,
    LegacyRPCAccessPolicy,
    MessageDeliveryFailure,
    MessageUndeliverable,
    MessagingError,
    MessagingTimeout,
    NoSuchMethod,
    NotificationFilter,
    NotificationResult,
    RemoteError,
    Reply,
    RPCAccessPolicy,
    RPCVersionCapError,
    Server,
    Target,
    Transport,
    UnsupportedVersion,
    expected_exceptions,
    expose,
)
from mainspring.messaging.client import DEFAULT_TIMEOUT

__all__ = [
    "DefaultRPCAccessPolicy",
    "ExplicitRPCAccessPolicy",
    "InvalidTarget",
    "LegacyRPCAccessPolicy",
    "MessageDeliveryFailure",
    "MessageUndeliverable",
    "MessagingException",
    "MessagingTimeout",
    "NoOpSerializer",
    "NoSuchMethod",
    "NotificationFilter",
    "NotificationListener",
    "NotificationResult",
    "Notifier",
    "RPCAccessPolicy",
    "RPCClient",
    "RPCServer",
    "RPCVersionCapError",
    "RemoteError",
    "Target",
    "TransportOptions",
    "UnsupportedVersion",
    "expected_exceptions",
    "expose",
    "get_batch_notification_listener",
    "get_notification_listener",
    "get_notification_transport",
    "get_rpc_client",
    "get_rpc_server",
    "get_rpc_transport",
]

MessagingException = MessagingError


class RPCClient:
    """Calls and casts; `prepare` makes another with other settings.

    Parameters:
        transport: of `get_rpc_transport`.
        target: as for `mainspring.messaging.Client`.
        timeout: seconds that a call may take; None for `conf.rpc_response_timeout`, or 60.
        version_cap: the newest version that may be asked for.
        serializer: makes plain data of values; None for `NoOpSerializer`.
        retry: of no account: the transport tries on until the deadline.
        call_monitor_timeout: as for `mainspring.messaging.Client`.
        transport_options: whether what no server would get is an error; None: it is.
        settings: as for `mainspring.messaging.Client`.
    """

    def __init__(
        self,
        transport: OsloTransport | Transport,
        target: Target,
        timeout: float | None = None,
        version_cap: str | None = None,
        serializer: Any = None,
        retry: int | None = None,
        call_monitor_timeout: float | None = None,
        transport_options: TransportOptions | None = None,
        **settings: Any,
    ) -> None:
        settings.setdefault(
            "allowed_remote_modules", getattr(transport, "allowed_remote_exmods", ())
        )
        self._timeout = getattr(transport, "timeout", DEFAULT_TIMEOUT)
        self._client = Client(
            native(transport),
            target,
            timeout=self._timeout if timeout is None else timeout,
            version_cap=version_cap,
            call_monitor_timeout=call_monitor_timeout,
            mandatory=_mandatory(transport_options),
            **settings,
        )
        self._serializer = serializer or NoOpSerializer()

    @property
    def target(self) -> Target:
        """Where it calls."""
        return self._client.target

    def prepare(self, **changes: Any) -> "RPCClient":
        """Returns a client with other settings.

        Parameters:
            changes: `exchange`, `topic`, `namespace`, `version`, `server`, `fanout`, `timeout`,
                `version_cap`, `retry`, `call_monitor_timeout`, `transport_options`, and those of
                `mainspring.messaging.Client.prepare`.

        Raises:
            TypeError: there is no such setting.
        """
        changes.pop("retry", None)
        if changes.get("timeout", 0) is None:
            changes["timeout"] = self._timeout
        if "transport_options" in changes:
            changes["mandatory"] = _mandatory(changes.pop("transport_options"))
        made = object.__new__(type(self))
        made._client = self._client.prepare(**changes)
        made._serializer = self._serializer
        made._timeout = self._timeout
        return made

    def can_send_version(self, version: str | None = None) -> bool:
        """Tells whether the version cap allows a version."""
        return self._client.can_send_version(version)

    def call(self, ctxt: Any, method: str, **kwargs: Any) -> Any:
        """Calls a method, waits, and returns its result.

        Raises:
            MessagingTimeout: there was no reply in time.
            Exception: what the method raised, or a `RemoteError`.
        """
        result = await_(self._send(self._client.call, ctxt, method, kwargs))
        return self._serializer.deserialize_entity(ctxt, result)

    def cast(self, ctxt: Any, method: str, **kwargs: Any) -> None:
        """Has a method run by one server, or with `prepare(fanout=True)` by all."""
        await_(self._send(self._client.cast, ctxt, method, kwargs))

    def _send(
        self, send: Callable[..., Reply[Any]], ctxt: Any, method: str, kwargs: dict[str, Any]
    ) -> Reply[Any]:
        serializer = self._serializer
        args = {key: serializer.serialize_entity(ctxt, value) for key, value in kwargs.items()}
        return send(method, ctxt=serializer.serialize_context(ctxt) or {}, **args)


def _mandatory(options: TransportOptions | None) -> bool | None:
    return None if options is None else options.at_least_once


def get_rpc_client(
    transport: OsloTransport | Transport,
    target: Target,
    client_cls: type[RPCClient] = RPCClient,
    **settings: Any,
) -> RPCClient:
    """Returns a client; parameters as for `RPCClient`."""
    return client_cls(transport, target, **settings)


class RPCServer:
    """Serves endpoints whose methods take the context first.

    Parameters:
        transport: of `get_rpc_transport`.
        target: topic and server.
        endpoints: objects.
        serializer: makes values of plain data.
        access_policy: which methods may be called.
        settings: as for `mainspring.messaging.Server`.
    """

    def __init__(
        self,
        transport: OsloTransport | Transport,
        target: Target,
        endpoints: Sequence[object],
        serializer: Any = None,
        access_policy: RPCAccessPolicy | type[RPCAccessPolicy] | None = None,
        **settings: Any,
    ) -> None:
        serializer = serializer or NoOpSerializer()
        policy = access_policy or DefaultRPCAccessPolicy()
        if isinstance(policy, type):
            policy = policy()
        adapted = [AdaptedEndpoint(each, server_method(serializer)) for each in endpoints]
        self._server = Server(
            native(transport), target, adapted, access_policy=AdaptedPolicy(policy), **settings
        )
        self._stopped: Reply[None] | None = None

    def start(self, override_pool_size: int | None = None) -> None:
        """Begins to serve."""
        await_(self._server.start())

    def stop(self) -> None:
        """Takes nothing more; `wait` tells when what is in hand is done."""
        self._stopped = self._server.stop()

    def wait(self) -> None:
        """Waits until the server has stopped."""
        if self._stopped is not None:
            await_(self._stopped)

    def reset(self) -> None:
        """Has nothing to reset."""


def get_rpc_server(
    transport: OsloTransport | Transport,
    target: Target,
    endpoints: Sequence[object],
    executor: str | None = None,
    serializer: Any = None,
    access_policy: RPCAccessPolicy | type[RPCAccessPolicy] | None = None,
    server_cls: type[RPCServer] = RPCServer,
    **settings: Any,
) -> RPCServer:
    """Returns a server; parameters as for `RPCServer`, and `executor` is of no account.

    A plain function runs in a thread, unless `@mainspring.messaging.endpoint` says otherwise.
    """
    return server_cls(transport, target, endpoints, serializer, access_policy, **settings)
