"""`Thread`: the stdlib's, which is a green thread when it is started in one, else an OS thread.

A green thread's `ident` is the number of its task, as `get_ident()` is within any green thread but
the one that `mainspring.run` has begun with: that one is the main thread.
"""

import asyncio
import contextvars
import sys
import threading as original
from typing import Any

from mainspring.green.call import current
from mainspring.green.calls import spawn
from mainspring.green.conditions import Event
from mainspring.green.main_thread import is_main
from mainspring.loop.priorities import get_priority
from mainspring.loop.task_scheduler import TaskScheduler

__all__ = ["Thread", "Timer", "active_count", "current_thread", "enumerate", "get_ident"]

# The green threads that run as a `Thread`, by their `ident`.
_greens: dict[int, "Thread"] = {}


class Thread(original.Thread):
    """As `threading.Thread`; started in a green thread, it is one."""

    _task: asyncio.Task[Any] | None = None
    _end: Event | None = None

    def start(self) -> None:
        """Starts it, once: as a green thread if it is called in one, else as an OS thread.

        Raises:
            RuntimeError: it was started already, or its `__init__` wasn't called.
        """
        if current() is None:
            self._end = Event()
            super().start()
            return
        if not self._initialized:  # type: ignore[attr-defined]
            raise RuntimeError("thread.__init__() not called")
        if self._started.is_set():  # type: ignore[attr-defined]
            raise RuntimeError("threads can only be started once")
        self._end = Event()
        self._task = spawn(self._run_green, name=self.name, **_inherited())
        self._task.add_done_callback(self._ended)
        self._ident = id(self._task)
        self._started.set()  # type: ignore[attr-defined]
        _greens[self._ident] = self

    def _run_green(self) -> None:
        try:
            self.run()
        except asyncio.CancelledError:
            # It was killed.
            raise
        except BaseException:
            self._invoke_excepthook(self)  # type: ignore[attr-defined]

    def _ended(self, task: asyncio.Task[Any]) -> None:
        assert self._end is not None
        _greens.pop(id(task), None)
        self._end.set()

    def _bootstrap_inner(self) -> None:
        try:
            super()._bootstrap_inner()  # type: ignore[misc]
        finally:
            assert self._end is not None
            self._end.set()

    def join(self, timeout: float | None = None) -> None:
        """Waits until it has ended.

        Parameters:
            timeout: seconds to wait at most; None to wait for ever.

        Raises:
            RuntimeError: it hasn't been started, or it is the one that calls.
        """
        if self._end is None or (self._task is None and current() is None):
            super().join(timeout)
            return
        if self is current_thread():
            raise RuntimeError("cannot join current thread")
        if self._end.wait(timeout) and self._task is None:
            # What is left to do there takes no time.
            super().join()

    def is_alive(self) -> bool:
        """Returns True from the start to the end."""
        return super().is_alive() if self._task is None else not self._task.done()

    @property
    def native_id(self) -> int | None:
        """The system's number of the OS thread that it runs in; None before the start."""
        return super().native_id if self._task is None else original.get_native_id()

    def _after_fork(self, new_ident: int | None = None) -> None:
        if self._task is None:
            super()._after_fork(new_ident)  # type: ignore[misc]
        else:
            self._started._at_fork_reinit()  # type: ignore[attr-defined]


class Timer(original.Timer, Thread):
    """As `threading.Timer`.

    Parameters:
        interval: seconds to wait.
        function: what to call then, with `args` and `kwargs`.
    """

    def __init__(
        self, interval: float, function: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        super().__init__(interval, function, args, kwargs)
        self.finished = Event()


class _Dummy(Thread):
    """Stands for a green thread that wasn't started as a `Thread`."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        super().__init__(name=task.get_name(), daemon=True)
        self._task = task
        self._end = Event()
        self._ident = id(task)
        self._started.set()  # type: ignore[attr-defined]
        task.add_done_callback(self._ended)
        _greens[self._ident] = self

    def join(self, timeout: float | None = None) -> None:
        raise RuntimeError("cannot join a dummy thread")


def _inherited() -> dict[str, Any]:
    """Returns what a new thread takes over: no context, as OS threads don't, but the priority."""
    if getattr(sys.flags, "thread_inherit_context", False):
        return {}
    task = asyncio.current_task()
    inherited: dict[str, Any] = {"context": contextvars.Context()}
    if task is not None and isinstance(task.get_loop(), TaskScheduler):
        inherited["priority"] = get_priority(task)
    return inherited


def get_ident() -> int:
    """Returns the number of the green thread that runs here, else of the OS thread."""
    if current() is None or is_main(task := asyncio.current_task()):
        return original.get_ident()
    return id(task)


def current_thread() -> original.Thread:
    """Returns the `Thread` that runs here; one that stands for it, if it wasn't started as one."""
    if current() is None or is_main(task := asyncio.current_task()):
        return original.current_thread()
    assert task is not None
    return _greens.get(id(task)) or _Dummy(task)


def enumerate() -> list[original.Thread]:
    """Returns all threads that are alive, green ones and OS threads."""
    return [*original.enumerate(), *_greens.values()]


def green_idents() -> set[int]:
    """Returns the idents of the green threads that run as a `Thread`."""
    return set(_greens)


def active_count() -> int:
    """Returns how many threads are alive, green ones and OS threads."""
    return len(enumerate())
