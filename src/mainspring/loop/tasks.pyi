import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from mainspring.core.priority import Priority

# The first parameter is the loop: the functions are methods of `Loop`.

def create_future(self: asyncio.AbstractEventLoop) -> asyncio.Future[Any]: ...
def create_task[T](
    self: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: Context | None = None,
    priority: Priority | int | None = None,
    **kwargs: Any,
) -> asyncio.Task[T]: ...
def set_task_factory(
    self: asyncio.AbstractEventLoop, factory: Callable[..., asyncio.Future[Any]] | None
) -> None: ...
def get_task_factory(
    self: asyncio.AbstractEventLoop,
) -> Callable[..., asyncio.Future[Any]] | None: ...
