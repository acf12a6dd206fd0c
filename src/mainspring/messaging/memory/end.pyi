import asyncio
from typing import Any

from mainspring.messaging.memory.broker import Broker
from mainspring.messaging.memory.inbox import Inbox
from mainspring.messaging.messages import Notification, Request, Response
from mainspring.messaging.transport import Outcome, ReplyReceiver

__all__ = ["MemoryEnd"]

class MemoryEnd:
    loop: asyncio.AbstractEventLoop | None
    replies: ReplyReceiver | None
    is_connected: bool
    is_closed: bool
    @property
    def broker(self) -> Broker: ...
    @property
    def inbox(self) -> Inbox: ...
    def begin(self, broker: Broker, inbox: Inbox) -> None: ...
    def publish(self, message: Request | Notification, outcome: Outcome | None = None) -> None: ...
    def respond(
        self, request: Request, response: Response, outcome: Outcome | None = None
    ) -> None: ...
    def send_held(self) -> None: ...
    def refuse_held(self, error: BaseException) -> Any: ...
