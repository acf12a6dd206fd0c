"""`ExitWatch`: tells a loop when a child has ended, and with what.

A pidfd is readable from the child's end on, and says so to the loop's own poller, like a socket. So
there is neither a signal handler nor a thread for each child, any thread may run the loop, and no
exit is lost: not that of a child that ends before it is watched, nor many at once. The child is
reaped here and nowhere else, in the callback that tells of it; until then its number belongs to
it, so a signal never reaches a stranger. Where the system gives no pidfd a thread waits for the
end, and leaves the reaping to the loop all the same.
"""

import contextlib
import os
import signal
import subprocess
import threading
from asyncio.log import logger
from collections.abc import Callable
from typing import Any

from mainspring.core.priority import Priority

__all__ = ["ExitWatch"]

# What is told of a child that somebody else has reaped, as in asyncio.
UNKNOWN = 255


class ExitWatch:
    """Waits for the end of one child.

    Parameters:
        loop: the loop to tell.
        popen: the child; nobody else is to wait for it.
        callback: called once, in the loop, with the return code; that of a signal is negative.
    """

    def __init__(
        self, loop: Any, popen: subprocess.Popen[bytes], callback: Callable[[int], object]
    ) -> None:
        self._loop = loop
        self._popen = popen
        self._callback: Callable[[int], object] | None = callback
        self._pidfd = -1
        self._watcher: Any = None
        try:
            self._pidfd = os.pidfd_open(popen.pid)
            self._watcher = loop._watch(self._pidfd, False, self._tell)
        except ProcessLookupError:
            loop.call_soon(self._tell)
        except (AttributeError, OSError, RuntimeError):
            # None on this system, not permitted, no fd left, or the number of a file that was
            # closed under a transport: the exit is told all the same.
            self._close_pidfd()
            self._start_thread()

    def __del__(self) -> None:
        self._close_pidfd()

    def send_signal(self, number: int) -> None:
        """Sends the child a signal; one that has ended and was reaped by somebody else gets none.

        Raises:
            PermissionError: the child runs as another user.
        """
        with contextlib.suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, number)
            elif self._callback is not None:
                os.kill(self._popen.pid, number)

    def set_priority(self, priority: Priority) -> None:
        """Sets the priority of the news, unless it comes from a thread."""
        if self._watcher is not None:
            self._watcher.set_priority(priority)

    def close(self) -> None:
        """Watches no more; the callback isn't called any more."""
        self._callback = None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
        self._close_pidfd()

    def _close_pidfd(self) -> None:
        pidfd, self._pidfd = self._pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)

    def _tell(self) -> None:
        callback = self._callback
        if callback is None:
            return
        returncode = self._reap()
        if returncode is None:
            return
        self.close()
        callback(returncode)

    def _reap(self) -> int | None:
        """Returns the return code, None when the child has not ended after all."""
        popen = self._popen
        returncode: int | None = popen.returncode
        if returncode is not None:
            return returncode
        try:
            returncode = _wait(popen.pid, self._pidfd)
        except ChildProcessError:
            # `Popen` itself may have been asked in another thread, and it knows.
            returncode = popen.returncode
            if returncode is not None:
                return returncode
            logger.warning(
                "child process pid %d exit status already read:  will report returncode %d",
                popen.pid,
                UNKNOWN,
            )
            returncode = UNKNOWN
        if returncode is not None:
            popen.returncode = returncode
        return returncode

    def _start_thread(self) -> None:
        threading.Thread(
            target=self._wait_in_thread, name=f"mainspring-child-{self._popen.pid}", daemon=True
        ).start()

    def _wait_in_thread(self) -> None:
        if hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._popen.wait()
        try:
            self._loop.call_soon_threadsafe(self._tell)
        except RuntimeError:
            # The loop is closed; somebody has to reap.
            self._popen.poll()


def reap_in_thread(popen: subprocess.Popen[bytes]) -> None:
    """Reaps a child that was killed and whose loop is closed."""
    threading.Thread(target=popen.wait, name=f"mainspring-child-{popen.pid}", daemon=True).start()


def _wait(pid: int, pidfd: int) -> int | None:
    """Reaps a child that has ended, None when it hasn't.

    Through the pidfd where there is one: when somebody else has reaped the child, its number may
    be that of another child by now.
    """
    if pidfd < 0:
        found, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if found else None
    result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
