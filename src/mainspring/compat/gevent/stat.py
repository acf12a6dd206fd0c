"""`stat`: gevent's watcher of a path: it looks again and again whether anything has changed."""

import os
from typing import Any

from mainspring.compat.gevent.timer import timer
from mainspring.compat.gevent.watcher import EventWatcher

# Seconds between two looks: by default, and at the least.
INTERVAL = 1.0
SHORTEST = 0.1

_COMPARED = (
    *("st_dev", "st_ino", "st_mode", "st_nlink", "st_uid", "st_gid", "st_size"),
    *("st_atime_ns", "st_mtime_ns", "st_ctime_ns"),
)


class stat(EventWatcher):  # gevent's name
    """Happens when what a path names has changed, come or gone.

    Parameters:
        loop: the loop.
        path: the path.
        interval: seconds between two looks; 0 for the default. From `start` on, what is used.
        ref: False if the loop may end although the watcher is started.
        priority: from -2 to 2, higher is more urgent.
    """

    def __init__(
        self,
        loop: Any,
        path: Any,
        interval: float = 0.0,
        ref: bool = True,
        priority: int | None = None,
    ) -> None:
        super().__init__(loop, ref, priority)
        self.path = path
        self._paths = os.fsencode(path)
        self.interval = interval
        self.attr: os.stat_result | None = None
        self.prev: os.stat_result | None = None
        self._timer: timer | None = None

    def _started(self) -> None:
        self.interval = max(self.interval, SHORTEST) if self.interval else INTERVAL
        self.attr = self.prev = self._look()
        self._timer = timer(self.loop, self.interval, self.interval, ref=False)
        self._timer.start(self._compare)

    def _stopped(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _look(self) -> os.stat_result | None:
        try:
            return os.stat(self._paths)
        except OSError:
            return None

    def _compare(self) -> None:
        found = self._look()
        if _key(found) != _key(self.attr):
            self.prev, self.attr = self.attr, found
            self._happened()

    def _format(self) -> str:
        return f" path={self.path!r}"


def _key(found: os.stat_result | None) -> tuple[object, ...]:
    return () if found is None else tuple(getattr(found, name) for name in _COMPARED)
