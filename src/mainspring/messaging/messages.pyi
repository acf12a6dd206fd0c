from collections.abc import Mapping
from typing import Any

from mainspring.messaging.target import Target
from mainspring.messaging.values import Failure as Failure
from mainspring.messaging.values import Trace as Trace

__all__ = ["Failure", "Notification", "Request", "Response", "Trace", "new_id"]

def renew() -> None: ...
def new_id() -> str: ...

class Message:
    unique_id: str | None
    context: Mapping[str, Any]
    trace: Trace | None
    headers: Mapping[str, str]
    only_errors: bool

class Request(Message):
    target: Target
    method: str
    args: dict[str, Any]
    msg_id: str | None
    reply_to: Any
    deadline: float | None
    monitor: float | None
    priority: int | None
    mandatory: bool
    withdrawn: bool
    def __init__(self, target: Target, method: str, args: dict[str, Any]) -> None: ...
    def copy(self) -> Request: ...

class Response:
    msg_id: str
    result: Any
    failure: Failure | None
    ending: bool
    headers: Mapping[str, str]
    only_errors: bool
    def __init__(self, msg_id: str, result: Any = None) -> None: ...

class Notification(Message):
    target: Target
    event_type: str
    publisher_id: str
    priority: str
    payload: Any
    message_id: str
    timestamp: str
    enveloped: bool
    def __init__(
        self, target: Target, event_type: str, publisher_id: str, priority: str, payload: Any
    ) -> None: ...
    def copy(self) -> Notification: ...
