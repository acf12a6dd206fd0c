"""The loops of the transports' tests, and children that are all reaped in the end."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.net.conftest import (
    bench,
    loop,
    nothing_stays_open,
    our_bench,
    our_loop,
    our_run,
    reported,
    run,
)

__all__ = [
    "bench",
    "loop",
    "nothing_stays_open",
    "our_bench",
    "our_loop",
    "our_run",
    "reported",
    "run",
]


@pytest.fixture(autouse=True)
def no_child_is_left(nothing_stays_open: None) -> Iterator[None]:
    """Comes before the loops, so it looks when they have ended: no child, no zombie."""
    yield
    try:
        left = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return
    raise AssertionError(f"a child is left: {left}")


@pytest.fixture
def new_thread_loop(loop: Any) -> Any:
    """Runs a coroutine function on a loop of each kind, in a thread that isn't the main one."""

    def run_in_thread(main: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(loop.run_until_complete, main()).result()

    return run_in_thread
