"""Heartbeats: one thread of the process sends them for each connection whose loop stands still.

While its loop runs, a connection sends its own heartbeats, and listens for the broker's. When user
code holds the loop up, nothing of that happens, and the broker would hang up after two
intervals. So the connection says at each beat that its loop is alive; once that was half an
interval ago, the thread sends in its place. It sends whole frames only, and only while nothing
that was begun is unfinished: `Connection.send_beside` sees to that.

The thread is started with the first connection and ends with the last. In the child of a fork there
is none, and no connection that was made before the fork belongs to the child.
"""

import os
import threading
import time
from typing import Protocol

__all__ = ["Beating", "HeartbeatThread", "thread"]


class Beating(Protocol):
    """A connection, as the thread sees it."""

    interval: float
    loop_was_alive: float
    last_sent: float

    def send_beside(self) -> None:
        """Sends a heartbeat from a foreign thread if nothing is half sent."""


class HeartbeatThread:
    """The thread and the connections it looks after."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._connections: set[Beating] = set()
        self._thread: threading.Thread | None = None

    def add(self, connection: Beating) -> None:
        """Looks after a connection from now on."""
        with self._changed:
            self._connections.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="mainspring-heartbeats", daemon=True
                )
                self._thread.start()
            else:
                self._changed.notify()

    def remove(self, connection: Beating) -> None:
        """Doesn't any more; nothing happens if it never did."""
        with self._changed:
            self._connections.discard(connection)
            if not self._connections:
                self._thread = None
                self._changed.notify()

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._thread is not me:
                    return
                connections = tuple(self._connections)
                nearest = min((connection.interval for connection in connections), default=1.0)
                self._changed.wait(nearest / 4)
                if self._thread is not me:
                    return
            now = time.monotonic()
            for connection in connections:
                half = connection.interval / 2
                if now - connection.loop_was_alive > half and now - connection.last_sent > half:
                    connection.send_beside()

    def forget_all(self) -> None:
        """Begins anew in the child of a fork."""
        self.__init__()  # type: ignore[misc]


thread = HeartbeatThread()
os.register_at_fork(after_in_child=thread.forget_all)
