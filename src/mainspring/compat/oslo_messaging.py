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
    listener_method,
    server_method,
)
from mainspring.green.waiting import await_
from mainspring.messaging import (
    Client,
    DefaultRPCAccessPolicy,
    ExplicitRPCAccessPolicy,
    InvalidTarget,
    LegacyRPCAccessPolicy,
    Listener,
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
    get_transport,
)
from mainspring.messaging import Notifier as _Notifier
from mainspring.messaging.notifier import PRIORITIES

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
    "NotificationResult",
    "Notifier",
    "RPCAccessPolicy",
    "RPCClient",
    "RPCServer",
    "RPCVersionCapError",
    "RemoteError",
    "Target",
    "UnsupportedVersion",
    "expected_exceptions",
    "expose",
    "get_notification_listener",
    "get_notification_transport",
    "get_rpc_client",
    "get_rpc_server",
    "get_rpc_transport",
]

MessagingException = MessagingError


def get_rpc_transport(
    conf: Any, url: str | None = None, allowed_remote_exmods: Sequence[str] | None = None
) -> Transport:
    """Returns a transport for calls.

    Parameters:
        conf: has a `transport_url`, or is None.
        url: where to; None for `conf.transport_url`, or `memory://`.
        allowed_remote_exmods: the modules whose exceptions arrive as what they are, for its
            clients.
    """
    transport = get_transport(url or getattr(conf, "transport_url", None) or "memory://")
    transport.allowed_remote_exmods = tuple(  # type: ignore[attr-defined]
        allowed_remote_exmods or ()
    )
    return transport


def get_notification_transport(conf: Any, url: str | None = None) -> Transport:
    """Returns a transport for notifications; parameters as for `get_rpc_transport`."""
    return get_rpc_transport(conf, url)


class RPCClient:
    """Calls and casts; `prepare` makes another with other settings.

    Parameters:
        transport: of `get_rpc_transport`.
        target: as for `mainspring.messaging.Client`.
        serializer: makes plain data of values; None for `NoOpSerializer`.
        settings: as for `mainspring.messaging.Client`.
    """

    def __init__(
        self, transport: Transport, target: Target, serializer: Any = None, **settings: Any
    ) -> None:
        settings.setdefault(
            "allowed_remote_modules", getattr(transport, "allowed_remote_exmods", ())
        )
        self._client = Client(transport, target, **settings)
        self._serializer = serializer or NoOpSerializer()

    @property
    def target(self) -> Target:
        """Where it calls."""
        return self._client.target

    def prepare(self, **changes: Any) -> "RPCClient":
        """Returns a client with other settings: those of `mainspring.messaging.Client.prepare`."""
        made = object.__new__(type(self))
        made._client = self._client.prepare(**changes)
        made._serializer = self._serializer
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


def get_rpc_client(
    transport: Transport, target: Target, client_cls: type[RPCClient] = RPCClient, **settings: Any
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
        transport: Transport,
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
            transport, target, adapted, access_policy=AdaptedPolicy(policy), **settings
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
    transport: Transport,
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


class Notifier:
    """Notifies, and logs what can't be sent.

    Parameters:
        transport: of `get_notification_transport`.
        publisher_id: who tells.
        driver: `"messaging"` for oslo.messaging's first form, else its second.
        serializer: makes plain data of payloads and contexts.
        retry: of no account: the transport tries on.
        topics: where to.
    """

    def __init__(
        self,
        transport: Transport,
        publisher_id: str | None = None,
        driver: str | None = None,
        serializer: Any = None,
        retry: int | None = None,
        topics: Sequence[str] | None = None,
    ) -> None:
        self._serializer = serializer or NoOpSerializer()
        self._notifier = _Notifier(
            transport,
            publisher_id or "",
            topics=topics or ("notifications",),
            enveloped=driver != "messaging",
        )

    def prepare(self, publisher_id: str, retry: int | None = None) -> "Notifier":
        """Returns a notifier in another one's name."""
        made = object.__new__(type(self))
        made._serializer = self._serializer
        made._notifier = self._notifier.prepare(publisher_id)
        return made

    def is_enabled(self) -> bool:
        """Returns True."""
        return True

    def _notify(self, ctxt: Any, event_type: str, payload: Any, priority: str) -> None:
        # As oslo.messaging does: who notifies sees no error; it is logged.
        serializer = self._serializer
        reply = self._notifier.notify(
            priority,
            event_type,
            serializer.serialize_entity(ctxt, payload),
            ctxt=serializer.serialize_context(ctxt) or {},
        )
        try:
            await_(reply)
        except MessagingError:
            pass


def _notifying(priority: str) -> Callable[..., None]:
    def notify(self: Notifier, ctxt: Any, event_type: str, payload: Any) -> None:
        self._notify(ctxt, event_type, payload, priority)

    notify.__name__ = priority
    notify.__doc__ = f"Notifies with priority {priority}: the context, the type, and the payload."
    return notify


for _priority in PRIORITIES:
    setattr(Notifier, _priority, _notifying(_priority))
Notifier.warning = Notifier.warn  # type: ignore[attr-defined]


class NotificationListener:
    """Hears notifications, by endpoints whose methods take the context first."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stopped: Reply[None] | None = None

    def start(self, override_pool_size: int | None = None) -> None:
        """Begins to hear."""
        await_(self._listener.start())

    def stop(self) -> None:
        """Hears nothing more; `wait` tells when what is in hand is done."""
        self._stopped = self._listener.stop()

    def wait(self) -> None:
        """Waits until the listener has stopped."""
        if self._stopped is not None:
            await_(self._stopped)


def get_notification_listener(
    transport: Transport,
    targets: Sequence[Target],
    endpoints: Sequence[object],
    executor: str | None = None,
    serializer: Any = None,
    allow_requeue: bool = False,
    pool: str | None = None,
) -> NotificationListener:
    """Returns a listener; parameters as for `mainspring.messaging.Listener`."""
    serializer = serializer or NoOpSerializer()
    adapted = [AdaptedEndpoint(each, listener_method(serializer)) for each in endpoints]
    listener = Listener(transport, targets, adapted, pool=pool, allow_requeue=allow_requeue)
    return NotificationListener(listener)
