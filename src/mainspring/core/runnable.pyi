# To `isinstance` a runnable is an `asyncio.Handle`, and so it is here, though not by inheritance.

import asyncio
from collections.abc import Callable
from contextvars import Context
from traceback import StackSummary
from typing import Any

class Handle(asyncio.Handle): ...

class Runnable(asyncio.Handle):
    @property
    def _callback(self) -> Callable[..., object] | None: ...
    @property
    def _args(self) -> tuple[Any, ...] | None: ...  # type: ignore[override]
    @property
    def _cancelled(self) -> bool: ...  # type: ignore[override]
    @property
    def _context(self) -> Context: ...
    @property
    def _loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def _source_traceback(self) -> StackSummary | None: ...
    def _repr_info(self) -> list[str]: ...
