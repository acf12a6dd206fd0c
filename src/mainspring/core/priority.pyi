import enum
from collections.abc import Callable
from contextvars import Context, ContextVar
from types import TracebackType

class Priority(enum.IntEnum):
    URGENT = -2
    HIGH = -1
    DEFAULT = 0
    LOW = 1
    IDLE = 2

current_priority: ContextVar[Priority]

def name_priority(context: Context, value: Priority | int) -> None: ...

class priority:
    __slots__ = ("_priority", "_token")
    def __init__(self, p: Priority | int) -> None: ...
    def __enter__(self) -> Priority: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def is_named() -> bool: ...
def call_on_raise(hook: Callable[[], object]) -> None: ...
def priority_level(priority: Priority | int | None) -> int: ...
