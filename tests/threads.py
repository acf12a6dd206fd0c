"""Another thread: one that makes a call, and one that just lives; for the tests of every folder."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def another_thread() -> Iterator[None]:
    """Has another Python thread live for the time of the block."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def from_a_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Makes one call in another thread, and returns its result or raises its exception."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((call(*args, **kwargs), None))
        except BaseException as exc:
            outcome.append((None, exc))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    result, exc = outcome[0]
    if exc is not None:
        raise exc
    return result
