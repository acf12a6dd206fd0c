"""A fork inside a green thread: the copy of the thread goes on in the child, on the loop's copy.

asyncio forgets in the child which loop runs, so that a child of a coroutine can begin one of its
own. A function that knows of no loop forks as it always did, and expects to go on as it always did.
"""

import asyncio
import os
from typing import Any

from mainspring.green.call import current
from mainspring.loop.lifecycle import Lifecycle, rejoin

_running: asyncio.AbstractEventLoop | None = None
_task: asyncio.Task[Any] | None = None


def _before() -> None:
    global _running, _task
    if current() is not None:
        _running = asyncio._get_running_loop()
        _task = None if _running is None else asyncio.current_task(_running)


def _in_child() -> None:
    if _running is not None:
        if isinstance(_running, Lifecycle):
            _running._go_on_after_fork(_task)
        else:
            rejoin(_running, _task)
    _in_parent()


def _in_parent() -> None:
    global _running, _task
    _running = _task = None


os.register_at_fork(before=_before, after_in_child=_in_child, after_in_parent=_in_parent)
