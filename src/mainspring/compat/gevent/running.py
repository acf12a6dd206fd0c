"""`HubLoop`: the asyncio loop below a loop of gevent's.

It is run by the hub's greenlet, which switches to others from within its callbacks; so it has to do
with what monkey patching replaces, and uses the originals. The interpreter knows one running loop
a thread, not a greenlet: while the hub waits in it, it is the running loop of all greenlets.
"""

import _socket
import asyncio
import concurrent.futures
import functools
import importlib
import subprocess
from asyncio import events
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gevent.monkey import get_original, is_module_patched

from mainspring.compat.gevent.native_threads import NativeThreads
from mainspring.compat.originals import copy_of
from mainspring.loop.loop import Loop

if TYPE_CHECKING:
    from mainspring.compat.gevent.loop import Loop as GeventLoop

_set_wakeup_fd = get_original("signal", "set_wakeup_fd")
_get_ident = get_original("_thread", "get_ident")


@functools.cache
def _unpatched_subprocess() -> Any:
    """Returns a copy of `subprocess`: gevent takes away what the original's `Popen` needs.

    Nor does it call what gevent has replaced: the `close` of gevent's `os` closes when the loop
    goes on, and the loop waits for a pipe that was closed.
    """
    return copy_of("subprocess", _unpatched)


def _unpatched(name: str) -> ModuleType:
    module = importlib.import_module(name)
    unpatched = ModuleType(name, module.__doc__)
    vars(unpatched).update({item: get_original(name, item) for item in vars(module)})
    return unpatched


class HubLoop(Loop):
    """A loop that a hub's greenlet runs."""

    # Set by the loop of gevent's that owns this one.
    gevent_loop: "GeventLoop | None" = None
    _threads: NativeThreads | None = None

    def _check_not_running(self) -> None:
        """Asks for this loop only: another one may run in another greenlet of the thread."""
        if self.is_running():
            raise RuntimeError("This event loop is already running")

    def _begin_signals(self) -> int | None:
        try:
            previous: int = _set_wakeup_fd(-1)
        except ValueError:
            # Not the main thread. The `threading` module may be patched and think otherwise.
            return None
        if self._signal_pair is None:
            # Not `socket.socketpair`, which may be gevent's, and would wait for this loop.
            try:
                self._signal_pair = self._watched(_socket.socketpair())
            except BaseException:
                _set_wakeup_fd(previous)
                raise
        _set_wakeup_fd(self._signal_pair[1].fileno(), warn_on_full_buffer=False)
        return previous

    def _end_signals(self, previous: int) -> None:
        _set_wakeup_fd(previous)

    def run_in_executor[*Ts, T](
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Runs a blocking function in an executor, in native threads by default.

        Parameters, result and errors are those of `Loop.run_in_executor`.
        """
        is_native = not is_module_patched("threading")
        if is_native or executor is not None or self._default_executor is not None:
            return super().run_in_executor(executor, func, *args)
        self._check_closed()
        if self._executor_shut:
            raise RuntimeError("Executor shutdown has been called")
        self._check_plain_function(func, "run_in_executor")
        if self._threads is None:
            self._threads = NativeThreads(self)
        return self._threads.run(func, args)

    def _lookup(self, name: str) -> Callable[..., Any]:
        original: Callable[..., Any] = get_original("socket", name)
        return original

    def _popen(self, args: Any, options: dict[str, Any]) -> "subprocess.Popen[bytes]":
        if not is_module_patched("subprocess"):
            return super()._popen(args, options)
        # gevent's would wait for this loop.
        popen: subprocess.Popen[bytes] = _unpatched_subprocess().Popen(args, **options)
        return popen

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Waits for the loop's own threads to end, and lets no new work in.

        Parameters:
            timeout: seconds to wait; None to wait for ever.
        """
        self._end_threads()
        await super().shutdown_default_executor(timeout)

    def close(self) -> None:
        """Closes the loop: what is queued never runs, what is watched is forgotten."""
        if not self.is_running():
            self._end_threads()
        super().close()

    def _end_threads(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()

    def _after_fork(self) -> None:
        super()._after_fork()
        # No thread comes along.
        self._threads = None
        if self.gevent_loop is not None:
            self.gevent_loop._after_fork()
        if self._thread_id == _get_ident():
            # It goes on in the child, where asyncio has just forgotten it.
            events._set_running_loop(self)
            self._begin_signals()

    def __del__(self, *ignored: object) -> None:
        # gevent never destroys the loop of the main thread, so there is nothing to warn of.
        if not self.is_closed() and not self.is_running():
            self.close()
