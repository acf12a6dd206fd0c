"""`Settings`: how large a request may be, and how long a client may take."""

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Settings", "take_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The bounds of a `WSGIServer`.

    Attributes:
        max_request_line: bytes of a request's target.
        max_headers: how many header fields.
        max_headers_size: bytes of all header fields, and of what a chunked body has besides data.
        max_body: bytes of a body; None for no bound: it is the application that reads it.
        header_timeout: seconds from the first byte of a request until its headers are there.
        keepalive_timeout: seconds that a connection may be idle before a request; 0 to answer one
            request only.
        body_timeout: seconds to wait for more of a body.
        send_timeout: seconds to wait until the client takes more of the response.
    """

    max_request_line: int = 8190
    max_headers: int = 100
    max_headers_size: int = 65536
    max_body: int | None = None
    header_timeout: float = 30.0
    keepalive_timeout: float = 15.0
    body_timeout: float = 60.0
    send_timeout: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 0:
                raise ValueError(f"{field.name} can't be negative, got {value!r}")


def take_settings(arguments: dict[str, Any]) -> Settings:
    """Takes the settings out of a server's keyword arguments; the rest stays there."""
    names = [field.name for field in fields(Settings) if field.name in arguments]
    return Settings(**{name: arguments.pop(name) for name in names})
