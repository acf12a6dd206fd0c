from collections.abc import Callable
from typing import Any

from mainspring.compat.gevent.watcher import watcher
from mainspring.compat.gevent.watcher_loop import WatcherLoop

NAMES: tuple[tuple[int, str], ...]

class io(watcher):
    def __init__(
        self,
        loop: WatcherLoop,
        fd: int,
        events: int,
        ref: bool = True,
        priority: int | None = None,
    ) -> None: ...
    def start(
        self, callback: Callable[..., object], *args: Any, pass_events: bool = False
    ) -> None: ...
    fd: int
    events: int
    @property
    def events_str(self) -> str: ...
