"""Green threads: plain functions that wait as if they blocked, each an `asyncio.Task`."""

from mainspring.green import forking  # noqa: F401  # what it does at a fork is all it does
from mainspring.green.calls import green, spawn, spawn_later
from mainspring.green.coroutine import GreenCoroutine
from mainspring.green.errors import BlockingSwitchOutError, GreenletExit
from mainspring.green.from_thread import from_thread
from mainspring.green.group import Group, Pool
from mainspring.green.joining import iwait, joinall, killall, wait
from mainspring.green.local import local
from mainspring.green.run import run
from mainspring.green.thread import GreenThread
from mainspring.green.timeouts import Timeout, with_timeout
from mainspring.green.waiting import await_, checkpoint, sleep

__all__ = [
    "BlockingSwitchOutError",
    "GreenCoroutine",
    "GreenThread",
    "GreenletExit",
    "Group",
    "Pool",
    "Timeout",
    "await_",
    "checkpoint",
    "from_thread",
    "green",
    "iwait",
    "joinall",
    "killall",
    "local",
    "run",
    "sleep",
    "spawn",
    "spawn_later",
    "wait",
    "with_timeout",
]
