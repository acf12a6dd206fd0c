"""GLib's own main loop, by PyGObject: two sources for the sockets, an idle one for the busy work.

GLib has priorities, and its idle sources are dispatched only when nothing else is ready, one after
another look at the fds: this is the loop that the others are to be held against. Invariant: all
sources are gone when `run` returns.
"""

import importlib
from typing import Any

from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.work import Work

READ_BYTES = 4096


class Transfer:
    """The state of one run on a main loop.

    Args:
        glib: PyGObject's GLib.
        work: what to send, echo and be busy with.
    """

    def __init__(self, glib: Any, work: Work) -> None:
        self._work = work
        self._main_loop = glib.MainLoop()
        self._remove = glib.source_remove
        self._sources = [
            glib.unix_fd_add_full(
                glib.PRIORITY_DEFAULT, work.data.fileno(), glib.IOCondition.OUT, self._send
            ),
            glib.unix_fd_add_full(
                glib.PRIORITY_DEFAULT, work.echo.fileno(), glib.IOCondition.IN, self._echo
            ),
        ]
        if work.busy is not None:
            self._sources.append(glib.idle_add(self._be_busy))

    def run(self) -> None:
        """Run the main loop until all is sent or the receiver left."""
        self._main_loop.run()
        for source in self._sources:
            self._remove(source)

    def _send(self, fd: int, condition: int) -> bool:
        try:
            self._work.mark_sent(self._work.data.send(self._work.unsent()))
        except BlockingIOError:
            return True
        except ConnectionError:
            self._main_loop.quit()
            return True
        if not self._work.unsent():
            self._main_loop.quit()
        return True

    def _echo(self, fd: int, condition: int) -> bool:
        try:
            message = self._work.echo.recv(READ_BYTES)
            if message:
                self._work.echo.send(message)
                return True
        except ConnectionError:
            pass
        # The client has left: the source goes with this answer.
        del self._sources[1]
        return False

    def _be_busy(self) -> bool:
        assert self._work.busy is not None
        self._work.busy.chunk()
        return True


@register(
    "glib",
    model="GLib's sources, busy work in an idle one",
    order=28,
    unavailable=needs("gi.repository.GLib"),
)
def run(work: Work) -> None:
    """Send `work` on GLib's main loop; return when it is sent or the receiver left."""
    Transfer(importlib.import_module("gi.repository.GLib"), work).run()
