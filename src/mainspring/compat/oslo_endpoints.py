"""Endpoints that take the context as their first argument, as ours, which don't."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mainspring.messaging import RPCAccessPolicy, get_context
from mainspring.messaging.listener import metadata_of
from mainspring.messaging.messages import Notification

__all__ = [
    "AdaptedEndpoint",
    "AdaptedPolicy",
    "NoOpSerializer",
    "batch_method",
    "listener_method",
    "server_method",
]


class NoOpSerializer:
    """Leaves everything as it is."""

    def serialize_entity(self, ctxt: Any, entity: Any) -> Any:
        """Returns what is sent of a value."""
        return entity

    def deserialize_entity(self, ctxt: Any, entity: Any) -> Any:
        """Returns the value of what was sent."""
        return entity

    def serialize_context(self, ctxt: Any) -> Any:
        """Returns what is sent of a context."""
        return ctxt

    def deserialize_context(self, ctxt: Any) -> Any:
        """Returns the context of what was sent."""
        return ctxt


class AdaptedEndpoint:
    """An endpoint of oslo.messaging's kind as one of ours: the context is no argument."""

    def __init__(
        self, original: object, adapt: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self.original = original
        for name in dir(original):
            value = getattr(original, name, None)
            if name in ("target", "filter_rule"):
                setattr(self, name, value)
            elif callable(value) and not name.startswith("__"):
                setattr(self, name, adapt(value))


class AdaptedPolicy(RPCAccessPolicy):
    """Asks a policy about the endpoint as its author knows it."""

    def __init__(self, policy: RPCAccessPolicy) -> None:
        self._policy = policy

    def is_allowed(self, endpoint: object, method: str) -> bool:
        """Returns what the policy says of a method that the endpoint has."""
        original = getattr(endpoint, "original", endpoint)
        return hasattr(original, method) and self._policy.is_allowed(original, method)


def server_method(serializer: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns what makes our method of one that a server calls with the context first."""

    def adapt(function: Callable[..., Any]) -> Callable[..., Any]:
        def enter(args: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
            ctxt = serializer.deserialize_context(dict(get_context()))
            return ctxt, {k: serializer.deserialize_entity(ctxt, v) for k, v in args.items()}

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def method(**args: Any) -> Any:
                ctxt, values = enter(args)
                return serializer.serialize_entity(ctxt, await function(ctxt, **values))

            return method

        @functools.wraps(function)
        def plain(**args: Any) -> Any:
            ctxt, values = enter(args)
            return serializer.serialize_entity(ctxt, function(ctxt, **values))

        return plain

    return adapt


def listener_method(serializer: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns what makes our method of one that a listener calls with the context first."""

    def adapt(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def hear(publisher_id: str, event_type: str, payload: Any, metadata: Any) -> Any:
            ctxt = serializer.deserialize_context(dict(get_context()))
            payload = serializer.deserialize_entity(ctxt, payload)
            return function(ctxt, publisher_id, event_type, payload, metadata)

        return hear

    return adapt


def batch_method(serializer: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns what makes our method of one that a listener calls with a list of dicts."""

    def told(notification: Notification) -> dict[str, Any]:
        ctxt = serializer.deserialize_context(dict(notification.context))
        return {
            "ctxt": ctxt,
            "publisher_id": notification.publisher_id,
            "event_type": notification.event_type,
            "payload": serializer.deserialize_entity(ctxt, notification.payload),
            "metadata": metadata_of(notification),
        }

    def adapt(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def hear(notifications: list[Notification]) -> Any:
            return function([told(notification) for notification in notifications])

        return hear

    return adapt
