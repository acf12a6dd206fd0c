"""The background loop: what serves threads that run no loop of their own.

There is one for a process, in a daemon thread, started when it is first needed. It ends with the
process: what it owes at that time (an unfinished cast) is lost, so a program closes its clients.
"""

import asyncio
import os
import threading

from mainspring.loop.loop import new_event_loop

__all__ = ["background_loop"]

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """Returns the process's background loop, which runs."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = new_event_loop()
            thread = threading.Thread(
                target=_loop.run_forever, name="mainspring-background", daemon=True
            )
            thread.start()
        return _loop


def _forget() -> None:
    # The thread is not in the child; its loop's sockets are the parent's.
    global _loop, _lock
    _loop = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)
