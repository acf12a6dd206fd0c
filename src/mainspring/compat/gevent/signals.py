"""`signal`: gevent's watcher of a Unix signal.

The interpreter's own handler tells of it, so a signal may have both watchers here and a handler of
asyncio's or the program's own, of which the last one set counts. What was set before comes back
when the last watcher of a signal stops.
"""

import signal as system
from typing import Any

from gevent.monkey import get_original

from mainspring.compat.gevent.watcher import EventWatcher

_set_handler = get_original("signal", "signal")
_get_handler = get_original("signal", "getsignal")

_watchers: dict[int, list["signal"]] = {}
_previous: dict[int, Any] = {}


class signal(EventWatcher):  # gevent's name
    """Happens whenever the process gets a signal.

    Parameters:
        loop: the loop.
        signalnum: the number of the signal.
        ref: False if the loop may end although the watcher is started.
        priority: from -2 to 2, higher is more urgent.

    Raises:
        ValueError: there is no such signal. From `start`: this is not the main thread.
        OSError: from `start`: the signal can't be caught.
    """

    def __init__(
        self, loop: Any, signalnum: int, ref: bool = True, priority: int | None = None
    ) -> None:
        super().__init__(loop, ref, priority)
        if not 1 <= signalnum < system.NSIG:
            raise ValueError(f"illegal signal number: {signalnum!r}")
        self._signalnum = signalnum

    def _started(self) -> None:
        others = _watchers.setdefault(self._signalnum, [])
        if not others:
            _previous[self._signalnum] = _set_handler(self._signalnum, _tell)
        others.append(self)

    def _stopped(self) -> None:
        others = _watchers[self._signalnum]
        others.remove(self)
        if not others:
            _restore(self._signalnum)

    def _format(self) -> str:
        return f" signalnum={self._signalnum}"


def _tell(signalnum: int, frame: object) -> None:
    for watcher in _watchers.get(signalnum, ()):
        watcher._happened()


def _restore(signalnum: int) -> None:
    previous = _previous.pop(signalnum)
    try:
        if _get_handler(signalnum) is _tell:
            _set_handler(signalnum, system.SIG_DFL if previous is None else previous)
    except ValueError:
        # Stopped in another thread: `_tell` stays, and tells nobody.
        pass
