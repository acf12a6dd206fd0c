"""`Target`: where a message goes, or what a server serves; and oslo.messaging's rule for versions.

A target is a value: it never changes, and calling it makes a changed copy. It is also a key:
servers and brokers hold tables of them.
"""

from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Target", "version_is_compatible"]


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a message, and what endpoints say of themselves.

    Parameters:
        exchange: the scope of the topic; None for the transport's default.
        topic: the name of a service, which any number of servers share.
        namespace: the name of an interface of the service; None is one as well.
        version: `"major.minor"` of the interface; None means 1.0 for an endpoint, and for a call.
        server: one server of the topic; None for any.
        fanout: True for every server of the topic.
        legacy_namespaces: more namespaces that an endpoint answers to.
    """

    exchange: str | None = None
    topic: str | None = None
    namespace: str | None = None
    version: str | None = None
    server: str | None = None
    fanout: bool = False
    legacy_namespaces: tuple[str | None, ...] = field(default=())

    def __post_init__(self) -> None:
        # A list is what oslo.messaging takes.
        object.__setattr__(self, "legacy_namespaces", tuple(self.legacy_namespaces or ()))

    def __call__(self, **changes: Any) -> "Target":
        """Returns a copy with other values for some fields; None is a value too."""
        return replace(self, **changes)

    @property
    def accepted_namespaces(self) -> tuple[str | None, ...]:
        """The namespaces that an endpoint with this target answers to."""
        return (self.namespace, *self.legacy_namespaces)

    def __str__(self) -> str:
        parts = (
            f"{name}={value}"
            for name in ("exchange", "topic", "namespace", "version", "server")
            if (value := getattr(self, name)) is not None
        )
        return f"<Target {', '.join([*parts, *(['fanout'] if self.fanout else [])])}>"


def version_is_compatible(implemented: str | None, requested: str | None) -> bool:
    """Tells whether who implements one version can answer a request for another.

    Within a major version, the newer answers what was asked of the older.

    Parameters:
        implemented: `"major.minor"` or `"major.minor.revision"`; None answers everything.
        requested: the same; nobody but None answers None.

    Returns:
        True if it can.

    Raises:
        ValueError: a version isn't made of numbers.
    """
    if implemented is None or implemented == requested:
        return True
    if requested is None:
        return False
    have, want = _numbers(implemented), _numbers(requested)
    return have[0] == want[0] and have[1:] >= want[1:]


def _numbers(version: str) -> tuple[int, int, int]:
    parts = version.split(".")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3:
        raise ValueError(
            f"a version is made of numbers, as '1.2' or '1.2.3', and {version!r} isn't"
        )
    major, minor, revision = (*numbers, 0, 0)[:3]
    return major, minor, revision
