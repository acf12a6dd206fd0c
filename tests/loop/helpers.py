"""What several files of the loop's tests share."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 60


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


def run_ready(loop: Any) -> None:
    """Runs what is queued now."""
    loop.call_soon(loop.stop)
    loop.run_forever()


def run_program(program: str) -> tuple[int, str, str]:
    """Runs a program in a process of its own; returns its exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.returncode, done.stdout, done.stderr
