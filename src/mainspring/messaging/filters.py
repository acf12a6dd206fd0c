"""`NotificationFilter`: which notifications an endpoint wants, by oslo.messaging's rules."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["NotificationFilter"]


class NotificationFilter:
    """Patterns that a notification must match, from the beginning of the text.

    Parameters:
        context: patterns by key of the context; a key that is missing doesn't match.
        publisher_id: a pattern.
        event_type: a pattern.
        metadata: patterns by key of the metadata: `message_id`, `timestamp`.
        payload: patterns by key of the payload.

    Raises:
        re.PatternError: a pattern is none.
    """

    def __init__(
        self,
        *,
        context: Mapping[str, str] | None = None,
        publisher_id: str | None = None,
        event_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        payload: Mapping[str, str] | None = None,
    ) -> None:
        self._publisher_id = None if publisher_id is None else re.compile(publisher_id)
        self._event_type = None if event_type is None else re.compile(event_type)
        self._context = _compile(context)
        self._metadata = _compile(metadata)
        self._payload = _compile(payload)

    def match(
        self,
        context: Mapping[str, Any],
        publisher_id: str,
        event_type: str,
        metadata: Mapping[str, Any],
        payload: Any,
    ) -> bool:
        """Returns True if all patterns match."""
        return (
            (self._event_type is None or self._event_type.match(event_type) is not None)
            and (self._publisher_id is None or self._publisher_id.match(publisher_id) is not None)
            and _match(self._context, context)
            and _match(self._metadata, metadata)
            and _match(self._payload, payload)
        )


def _compile(patterns: Mapping[str, str] | None) -> dict[str, re.Pattern[str]]:
    return {key: re.compile(pattern) for key, pattern in (patterns or {}).items()}


def _match(patterns: dict[str, re.Pattern[str]], values: Any) -> bool:
    if not patterns:
        return True
    if not isinstance(values, Mapping):
        return False
    return all(
        key in values and pattern.match(str(values[key])) for key, pattern in patterns.items()
    )
