"""The stdlib's `subprocess` for green threads: a child and its pipes are waited for greenly there.

`Popen` is a subclass of the stdlib's; its pipes are files of the same kinds, over raw ones that
wait greenly in green threads and block elsewhere.
"""

import subprocess as _stdlib
import time
from os import WNOHANG
from subprocess import *
from typing import Any

from mainspring.green.call import current as _current
from mainspring.green.os import wait_for_exit
from mainspring.green.pipe_file import make_green
from mainspring.green.selectors import PollSelector
from mainspring.green.stdlib import adopt, rebind
from mainspring.green.waiting import sleep as _sleep

__implements__ = (
    "Popen",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "run",
)
__all__ = _stdlib.__all__

# Seconds between two looks at a child that can't be watched.
_PAUSE = 0.01
_monotonic = time.monotonic
_names = {**vars(_stdlib), "_PopenSelector": PollSelector}


class Popen(_stdlib.Popen):  # type: ignore[type-arg]
    """`subprocess.Popen`; a green thread that waits for it, or for its pipes, waits alone."""

    def __init__(self, args: Any, bufsize: int = -1, *rest: Any, **kwargs: Any) -> None:
        super().__init__(args, bufsize, *rest, **kwargs)
        self.stdin = make_green(self.stdin, bufsize)
        self.stdout = make_green(self.stdout, bufsize)
        self.stderr = make_green(self.stderr, bufsize)

    _communicate = rebind(_stdlib.Popen._communicate, _names)  # type: ignore[attr-defined]

    def _wait(self, timeout: float | None) -> int:
        if _current() is None:
            return super()._wait(timeout)  # type: ignore[misc, no-any-return]
        deadline = None if timeout is None else _monotonic() + timeout
        while not self._has_ended():
            left = -1.0 if deadline is None else deadline - _monotonic()
            if deadline is not None and left <= 0:
                assert timeout is not None
                raise TimeoutExpired(self.args, timeout)
            if wait_for_exit(self.pid, left) and not self._has_ended():
                _sleep(_PAUSE)
        return self.returncode

    def _has_ended(self) -> bool:
        """Looks for the child's end as `wait` does; `poll` makes less of a child that is gone."""
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(WNOHANG)  # type: ignore[attr-defined]
                if pid == self.pid and self.returncode is None:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode is not None


call = rebind(_stdlib.call, globals())
check_call = rebind(_stdlib.check_call, globals())
check_output = rebind(_stdlib.check_output, globals())
getoutput = rebind(_stdlib.getoutput, globals())
getstatusoutput = rebind(_stdlib.getstatusoutput, globals())
run = rebind(_stdlib.run, globals())

adopt(globals(), _stdlib)
