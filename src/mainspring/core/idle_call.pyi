from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, Self

from mainspring.core.gate import Gate

class IdleCall:
    def __new__(
        cls,
        gate: Gate,
        context: Context,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Self: ...
    def run(self) -> Any: ...
    def interrupt(self, exception: type[BaseException]) -> bool: ...
