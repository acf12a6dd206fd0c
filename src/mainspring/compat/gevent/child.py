"""`child`: gevent's watcher of a child process.

Each child is waited for by a pidfd of its own and reaped when it has ended, and nobody else's child
is: so asyncio's subprocesses run beside gevent's, and a loop of any thread may have watchers. Only
a watcher of pid 0, for whichever child ends next, goes by SIGCHLD and reaps what it finds.
"""

import os
import signal as system
from typing import Any

from gevent.monkey import get_original

from mainspring.compat.gevent.io import io
from mainspring.compat.gevent.signals import signal
from mainspring.compat.gevent.watcher import EventWatcher

_waitpid = get_original("os", "waitpid")

# What `os.waitpid` would say of a child that exited with 255: what is told when somebody else has
# reaped it, as asyncio does.
UNKNOWN = 255 << 8


class Children:
    """The children that one loop waits for."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._watched: dict[int, list[child]] = {}
        self._ends: dict[int, tuple[int, Any]] = {}
        self._any: signal | None = None

    def add(self, watcher: "child") -> None:
        """Begins to wait for a watcher's child."""
        others = self._watched.setdefault(watcher.pid, [])
        others.append(watcher)
        if len(others) > 1:
            return
        try:
            if watcher.pid == 0:
                self._watch_any()
            else:
                self._watch(watcher.pid)
        except BaseException:
            del self._watched[watcher.pid]
            raise

    def remove(self, watcher: "child") -> None:
        """Waits no more for a watcher's child."""
        others = self._watched.get(watcher.pid, [])
        if watcher not in others:
            return
        others.remove(watcher)
        if not others:
            del self._watched[watcher.pid]
            self._forget(watcher.pid)

    def _watch(self, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            # It was reaped before; nobody will ever know more.
            self._loop.run_callback(self._tell, pid, pid, UNKNOWN)
            return
        end = io(self._loop, pidfd, 1, ref=False)
        self._ends[pid] = (pidfd, end)
        end.start(self._reap, pid)

    def _watch_any(self) -> None:
        self._any = signal(self._loop, system.SIGCHLD, ref=False)
        self._any.start(self._reap_any)
        # One may have ended already.
        self._loop.run_callback(self._reap_any)

    def _forget(self, pid: int) -> None:
        if pid == 0:
            watcher, self._any = self._any, None
            if watcher is not None:
                watcher.close()
        elif pid in self._ends:
            pidfd, end = self._ends.pop(pid)
            end.close()
            os.close(pidfd)

    def _reap(self, pid: int) -> None:
        try:
            found, status = _waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            found, status = pid, UNKNOWN
        if found:
            self._tell(pid, pid, status)
            self._tell(0, pid, status)

    def _reap_any(self) -> None:
        while 0 in self._watched:
            try:
                pid, status = _waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._tell(0, pid, status)
            self._tell(pid, pid, status)

    def _tell(self, key: int, pid: int, status: int) -> None:
        """Tells the watchers of a child, or of any, that one has ended."""
        if key:
            self._forget(key)
        for watcher in self._watched.get(key, [])[:]:
            watcher.rpid = pid
            watcher.rstatus = status
            watcher._happened()

    def close(self) -> None:
        """Gives all pidfds back."""
        for pid in list(self._ends):
            self._forget(pid)
        self._forget(0)
        self._watched.clear()


class child(EventWatcher):  # gevent's name
    """Happens when a child process has ended.

    Parameters:
        loop: the loop.
        pid: the number of the child; 0 for whichever ends.
        trace: has no meaning here.
        ref: False if the loop may end although the watcher is started.
    """

    def __init__(self, loop: Any, pid: int, trace: int = 0, ref: bool = True) -> None:
        super().__init__(loop, ref)
        self.pid = pid
        self.rpid = 0
        self.rstatus = 0

    def _started(self) -> None:
        self.loop.children.add(self)

    def _stopped(self) -> None:
        self.loop.children.remove(self)

    def _format(self) -> str:
        return f" pid={self.pid!r} rstatus={self.rstatus!r}"
