import asyncio
from collections.abc import Mapping
from typing import Any

from mainspring.messaging.messages import Request
from mainspring.messaging.method import Method
from mainspring.messaging.transport import Delivery

__all__ = ["Call"]

class Call:
    task: asyncio.Future[Any] | None
    entered: bool
    @property
    def request(self) -> Request: ...
    @property
    def method(self) -> Method: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def deadline(self) -> float | None: ...
    @property
    def is_abandoned(self) -> bool: ...
    def __init__(
        self,
        request: Request,
        method: Method,
        delivery: Delivery[Request],
        loop: asyncio.AbstractEventLoop,
    ) -> None: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    def remaining(self) -> float | None: ...
    def raise_if_abandoned(self) -> None: ...
