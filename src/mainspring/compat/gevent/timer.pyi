from collections.abc import Callable
from typing import Any

from mainspring.compat.gevent.watcher import watcher
from mainspring.compat.gevent.watcher_loop import WatcherLoop

class timer(watcher):
    def __init__(
        self,
        loop: WatcherLoop,
        after: float = 0.0,
        repeat: float = 0.0,
        ref: bool = True,
        priority: int | None = None,
    ) -> None: ...
    def start(
        self, callback: Callable[..., object], *args: Any, update: bool | None = None
    ) -> None: ...
    def again(
        self, callback: Callable[..., object], *args: Any, update: bool | None = None
    ) -> None: ...
    @property
    def at(self) -> float: ...
