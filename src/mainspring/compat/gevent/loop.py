"""`Loop`: gevent's `ILoop` on a loop of ours. `GEVENT_LOOP=mainspring.compat.gevent.Loop` names it.

`gevent.core` shows the names of this module, so it has those that gevent's own loops have.
"""

import asyncio
import signal as system
import traceback
import warnings
from asyncio import events
from typing import Any

from gevent._interfaces import ICallback, ILoop
from gevent.exceptions import HubDestroyed
from gevent.monkey import get_original
from zope.interface import classImplements, implementer

from mainspring.compat.gevent.callbacks import callback
from mainspring.compat.gevent.child import Children, child
from mainspring.compat.gevent.io import io
from mainspring.compat.gevent.running import HubLoop
from mainspring.compat.gevent.signals import signal
from mainspring.compat.gevent.stat import stat
from mainspring.compat.gevent.timer import timer
from mainspring.compat.gevent.watcher import async_, check, fork, idle, prepare, watcher
from mainspring.compat.gevent.watcher_loop import WatcherLoop

__all__ = [
    *("EVENTS", "READ", "WRITE", "READWRITE", "MINPRI", "MAXPRI"),
    *("callback", "child", "get_header_version", "get_version", "io", "loop", "signal", "stat"),
    *("supported_backends", "timer", "watcher"),
    *("async_", "check", "fork", "idle", "prepare"),
]

READ = 1
WRITE = 2
READWRITE = 3
MINPRI = -2
MAXPRI = 2

# A batch for each level but IDLE is what one turn of libev's would have run.
_MOST_LEVELS = 4


def get_version() -> str:
    """Returns the name of what runs gevent."""
    return "mainspring"


get_header_version = get_version


def supported_backends() -> list[str]:
    """Returns the names of the ways to poll that GEVENT_BACKEND may choose from: there is one."""
    return ["default"]


@implementer(ILoop)
class Loop(WatcherLoop):
    """A loop for a hub of gevent's.

    Parameters:
        flags: gevent's GEVENT_BACKEND; the best way to poll is taken whatever it says.
        default: False for a loop beside the main thread's; None for True.
    """

    MINPRI = MINPRI
    MAXPRI = MAXPRI
    WatcherType = watcher
    approx_timer_resolution = 0.00001
    error_handler: Any = None

    def __init__(self, flags: object = None, default: bool | None = None) -> None:
        self._loop: HubLoop | None = HubLoop()
        super().__init__(self._loop)
        self._loop.gevent_loop = self
        self._default = default is None or bool(default)
        self.children = Children(self)

    @property
    def event_loop(self) -> HubLoop:
        """The asyncio loop on which this one runs.

        Raises:
            ValueError: the loop was destroyed.
        """
        if self._loop is None:
            raise ValueError("operation on destroyed loop")
        return self._loop

    @property
    def ptr(self) -> HubLoop | None:
        """What this is a face of: the asyncio loop, None once it was destroyed."""
        return self._loop

    @property
    def default(self) -> bool:
        """True for the loop of the main thread."""
        return self._default and self._loop is not None

    def run(self, nowait: bool = False, once: bool = False) -> None:
        """Runs until nothing is left to wait for.

        What a callback raises goes to the error handler, and the loop goes on.

        Parameters:
            nowait: True to run what is ready, once, and not wait.
            once: True to wait until something is ready, and run it, once.
        """
        loop = self.event_loop
        is_nested = loop.is_running()
        self._begin(is_nested)
        outer = events._get_running_loop()
        events._set_running_loop(loop if is_nested else None)
        try:
            while True:
                # Here, and not in a function of its own: with each Python frame below it a switch
                # to or from the hub costs more.
                state = None if is_nested else loop._enter_run()
                try:
                    if nowait or once:
                        self._iterate_once(loop, not nowait)
                    else:
                        loop._run_iterations()
                    return
                except BaseException as exc:
                    error = exc
                finally:
                    if state is not None:
                        loop._leave_run(state)
                self._report(None, error)
                del error
                if self._loop is None or self._is_stopping():
                    return
        finally:
            self._end()
            events._set_running_loop(outer)

    def _iterate_once(self, loop: HubLoop, may_sleep: bool) -> None:
        loop._run_iteration(may_sleep)
        for _ in range(_MOST_LEVELS):
            if self._loop is None or not self._has_queued():
                break
            loop._run_iteration(False)

    def break_(self, how: int = 1) -> None:
        """Has `run` return after the iteration that runs."""
        self.event_loop.stop()

    def destroy(self) -> bool | None:
        """Closes the loop and what is below it.

        Returns:
            True; None if that was done before.
        """
        loop = self._loop
        if loop is None:
            return None
        self.children.close()
        self._loop = None
        loop.gevent_loop = None
        self._let_go()
        if loop.is_running():
            # By a thread that is gone, or by the greenlet that waits for this call's end.
            loop._end_running()
            loop.stop()
        loop.close()
        return True

    def reinit(self) -> None:
        """Does nothing: a fork is noticed when it happens."""

    def now(self) -> float:
        """Returns the time, in seconds of a clock that never goes back."""
        return self.event_loop.time()

    def update_now(self) -> None:
        """Does nothing: time is always read afresh."""

    def update(self) -> None:
        """Does what `update_now` does."""
        warnings.warn("'update' is deprecated; use 'update_now'", DeprecationWarning, stacklevel=2)

    def verify(self) -> None:
        """Does nothing."""

    def handle_error(self, context: object, type: Any, value: Any, tb: Any) -> None:
        """Gives an exception to the error handler, or prints it and ends the run.

        Parameters:
            context: whose callback has raised it; None for an error of the whole system.
            type: its class.
            value: the exception.
            tb: its traceback.
        """
        if type is HubDestroyed:
            self._drop_callbacks()
            self.break_()
        elif self.error_handler is not None:
            handler = getattr(self.error_handler, "handle_error", self.error_handler)
            handler(context, type, value, tb)
        else:
            traceback.print_exception(type, value, tb)
            self.break_()

    def _report(self, context: object, exc: BaseException) -> None:
        try:
            self.handle_error(context, type(exc), exc, exc.__traceback__)
        except HubDestroyed as destroyed:
            self.handle_error(context, type(destroyed), destroyed, None)
        except BaseException:
            try:
                traceback.print_exc()
            except BaseException:
                # stderr is broken too; nobody is left to be told, and the loop has to go on.
                pass

    def _are_tasks_alive(self) -> bool:
        return bool(asyncio.all_tasks(self._loop))

    # Watchers.

    def io(self, fd: int, events: int, ref: bool = True, priority: int | None = None) -> io:
        """Returns a watcher of an fd; see `io`."""
        return io(self, fd, events, ref, priority)

    def timer(
        self, after: float, repeat: float = 0.0, ref: bool = True, priority: int | None = None
    ) -> timer:
        """Returns a watcher of the time; see `timer`."""
        return timer(self, after, repeat, ref, priority)

    def signal(self, signum: int, ref: bool = True, priority: int | None = None) -> signal:
        """Returns a watcher of a signal; see `signal`."""
        return signal(self, signum, ref, priority)

    def idle(self, ref: bool = True, priority: int | None = None) -> idle:
        """Returns a watcher that happens while nothing else is ready."""
        return idle(self, ref, priority)

    def prepare(self, ref: bool = True, priority: int | None = None) -> prepare:
        """Returns a watcher that happens before each poll."""
        return prepare(self, ref, priority)

    def check(self, ref: bool = True, priority: int | None = None) -> check:
        """Returns a watcher that happens after each poll."""
        return check(self, ref, priority)

    def fork(self, ref: bool = True, priority: int | None = None) -> fork:
        """Returns a watcher that happens in the child after a fork."""
        return fork(self, ref, priority)

    def async_(self, ref: bool = True, priority: int | None = None) -> async_:
        """Returns a watcher that happens when any thread says so."""
        return async_(self, ref, priority)

    locals()["async"] = async_

    def child(self, pid: int, trace: int = 0, ref: bool = True) -> child:
        """Returns a watcher of a child process; see `child`."""
        return child(self, pid, trace, ref)

    def stat(
        self, path: Any, interval: float = 0.0, ref: bool = True, priority: int | None = None
    ) -> stat:
        """Returns a watcher of a path; see `stat`."""
        return stat(self, path, interval, ref, priority)

    def install_sigchld(self) -> None:
        """Sees to it that the system keeps a child's status until it is asked for."""
        if get_original("signal", "getsignal")(system.SIGCHLD) == system.SIG_IGN:
            try:
                get_original("signal", "signal")(system.SIGCHLD, system.SIG_DFL)
            except ValueError:
                # Not the main thread.
                pass

    def reset_sigchld(self) -> None:
        """Does nothing: no handler of SIGCHLD is needed."""

    # What can be read.

    @property
    def activecnt(self) -> int:
        """How many started watchers keep the loop running."""
        self.event_loop  # noqa: B018  # raises once it was destroyed
        return self.active

    @property
    def pendingcnt(self) -> int:
        """How many events and callbacks are queued."""
        return self._count_queued() if self._loop is not None else 0

    @property
    def depth(self) -> int:
        """1 while the loop runs, else 0."""
        return int(self._loop is not None and self._loop.is_running())

    @property
    def backend(self) -> str:
        """What gevent calls the way to poll of a loop that leaves no choice: "default"."""
        return "default"

    @property
    def backend_int(self) -> int:
        """Libev's number of a way to poll; 0, because there is no choice here."""
        return 0

    def fileno(self) -> int | None:
        """Returns the fd of the epoll set; None where there is none."""
        return self._poll_fd()

    def _format(self) -> str:
        if self._loop is None:
            return "destroyed"
        return (
            f"backend={self.backend}{' default' if self.default else ''} "
            f"pending={self.pendingcnt} ref={self.active} fileno={self.fileno()}"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} at {id(self):#x} {self._format()}>"


loop = Loop
classImplements(callback, ICallback)
