from collections.abc import Callable, Collection, Mapping
from typing import Any

from mainspring.core.priority import Priority
from mainspring.messaging.calls import CallTable
from mainspring.messaging.reply import Reply
from mainspring.messaging.target import Target

__all__ = ["Outgoing"]

class Outgoing:
    _calls: CallTable
    target: Target
    timeout: float | None
    version_cap: str | None
    call_monitor_timeout: float | None
    priority: Priority | None
    mandatory: bool | None
    allowed_remote_modules: Collection[str]
    def call(
        self, method: str, /, *, ctxt: Mapping[str, Any] | None = None, **args: Any
    ) -> Reply[Any]: ...
    def cast(
        self, method: str, /, *, ctxt: Mapping[str, Any] | None = None, **args: Any
    ) -> Reply[None]: ...
    def begin_call(
        self,
        method: str,
        args: dict[str, Any],
        ctxt: Mapping[str, Any] | None,
        convert: Callable[[Any], Any] | None,
    ) -> Reply[Any]: ...
