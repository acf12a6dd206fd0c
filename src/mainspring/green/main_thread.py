"""`MainThread`: the green thread that `run` makes of a plain function.

It is told what nobody else is there for: Ctrl-C, and whatever comes out of the loop, which is what
a signal's handler raises while the loop waits, and the SystemExit or KeyboardInterrupt of another
task. It is raised where this thread waits, and the loop goes on, as with gevent's main greenlet. So
the program ends as a blocking one does, through its `except` and `finally`.

Invariant: at most one such exception is on its way. If the next comes before that one was raised,
because what the thread waits for doesn't end, it comes out of `run`.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mainspring.green.calls import green
from mainspring.green.thread import interrupt
from mainspring.loop.loop import Loop

__all__ = ["MainThread", "is_main"]

# The task of each that runs in the process's main thread, the innermost last.
_main_tasks: list[asyncio.Task[Any]] = []


def is_main(task: asyncio.Task[Any] | None) -> bool:
    """Returns True for a green thread that is the main thread to code that asks.

    Parameters:
        task: any task, or None.
    """
    return task in _main_tasks


@contextmanager
def _as_main(task: asyncio.Task[Any]) -> Iterator[None]:
    _main_tasks.append(task)
    try:
        yield
    finally:
        _main_tasks.remove(task)


class MainThread[T]:
    """A function that runs as the main green thread of a loop.

    Parameters:
        loop: the loop, which doesn't run.
        function: what to call.
    """

    def __init__(self, loop: Loop, function: Callable[[], T]) -> None:
        self._loop = loop
        self._call = green(function)
        self._task: asyncio.Task[T] = loop.create_task(self._call)
        self._told: BaseException | None = None

    def run(self) -> T:
        """Runs the loop until the function has ended, and returns what the function returns.

        Raises:
            RuntimeError: the loop was stopped before.
            BaseException: what the function raised; or what it ought to have been told.
        """
        try:
            if threading.get_ident() != threading.main_thread().ident:
                return self._run()
            with _as_main(self._task), self._interrupts():
                return self._run()
        finally:
            # Its traceback knows of this.
            self._told = None

    def _run(self) -> T:
        result: T = self._loop._run_until_complete(self._task, self._run_loop)
        if self._told is not None and self._is_on_its_way(self._told):
            # A cancellation went first, and was caught.
            raise self._told
        return result

    def _run_loop(self) -> None:
        while True:
            try:
                return self._loop.run_forever()
            except BaseException as exc:
                if not self._tell(exc):
                    raise

    def _tell(self, exc: BaseException) -> bool:
        """Has an exception raised in the function where it waits. Returns False if it can't be."""
        if self._task.done() or (self._told is not None and self._is_on_its_way(self._told)):
            return False
        self._told = exc
        interrupt(self._task, exc)
        return True

    def _is_on_its_way(self, exc: BaseException) -> bool:
        return self._call.has_yet_to_raise(exc)

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Has Ctrl-C come to the function, unless the program handles SIGINT itself."""
        handler = self._on_sigint
        try:
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, handler)
        except ValueError:
            # Embedded, an interpreter may have its main thread elsewhere.
            pass
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGINT) is handler:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_sigint(self, number: int, frame: object) -> None:
        if asyncio.current_task(self._loop) is self._task or not self._tell(KeyboardInterrupt()):
            raise KeyboardInterrupt
