from collections.abc import Mapping

from mainspring.messaging.messages import Message, Notification, Request, Response
from mainspring.messaging.target import Target

__all__ = [
    "TargetsOf",
    "decode_cancel",
    "decode_notification",
    "decode_request",
    "decode_response",
    "encode_cancel",
    "encode_notification",
    "encode_request",
    "encode_response",
    "headers_of",
    "renewed",
]

def headers_of(message: Message | Response) -> dict[str, str] | None: ...
def encode_request(request: Request, now: float, attempt: int = 1) -> bytes: ...
def renewed(body: bytes, deadline: float, now: float) -> bytes: ...

class TargetsOf:
    def __init__(self, target: Target) -> None: ...
    def get(self, namespace: str | None, version: str | None) -> Target: ...

def decode_request(
    body: bytes,
    headers: Mapping[str, str] | None,
    reply: str,
    targets: TargetsOf,
    now: float,
) -> tuple[Request, int]: ...
def encode_response(response: Response) -> bytes: ...
def decode_response(body: bytes, headers: Mapping[str, str] | None, msg_id: str) -> Response: ...
def encode_notification(notification: Notification, attempt: int = 1) -> bytes: ...
def decode_notification(
    body: bytes, headers: Mapping[str, str] | None, target: Target, priority: str
) -> tuple[Notification, int]: ...
def encode_cancel(msg_id: str) -> bytes: ...
def decode_cancel(body: bytes) -> str: ...
