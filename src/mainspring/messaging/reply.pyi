import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol

__all__ = ["Reply", "reply_of"]

class _Abandonable(Protocol):
    def on_abandoned(self, reply: Reply[Any]) -> None: ...

class Reply[T](asyncio.Future[T]):
    _owner: _Abandonable | None
    def result(self, timeout: float | None = None) -> T: ...
    def exception(self, timeout: float | None = None) -> BaseException | None: ...
    def cancel(self, msg: Any | None = None) -> bool: ...
    def add_done_callback(
        self, fn: Callable[[Reply[T]], object], *, context: Context | None = None
    ) -> None: ...

def reply_of[T](loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> Reply[T]: ...
