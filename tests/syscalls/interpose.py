"""Compiles `interpose.c`, and in a process that was started with it says which calls fail."""

import ctypes
import enum
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compiler import find_compiler

SOURCE = Path(__file__).with_name("interpose.c")


class Ways(enum.IntFlag):
    """How a call may be disturbed; the program has to cope with each.

    Attributes:
        INTERRUPTED: it was interrupted by a signal.
        SHORTENED: it moves one byte, or says of one fd that it is ready.
        SPURIOUS: there is nothing to do, although the poller said so; a connection to be accepted
            has been aborted.
    """

    INTERRUPTED = 1
    SHORTENED = 2
    SPURIOUS = 4
    ALL = 7


def build(folder: Path) -> Path:
    """Compiles the library; returns where it is."""
    command = find_compiler()
    assert command is not None
    library = folder / "interpose.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, *options, str(SOURCE), "-o", str(library), "-ldl"], check=True)
    return library


def _library() -> ctypes.CDLL:
    """Returns what was preloaded."""
    library = ctypes.CDLL(None)
    library.faults_at.argtypes = [ctypes.c_long]
    library.faults_injected.restype = library.faults_possible.restype = ctypes.c_long
    return library


@contextmanager
def disturbed(every: int, ways: Ways) -> Iterator[Callable[[], int]]:
    """Disturbs one of so many calls of this thread, drawn by lot; the ways take turns.

    Yields:
        A function that returns how many there have been.
    """
    library = _library()
    library.faults_every(every, int(ways))
    try:
        yield lambda: int(library.faults_injected())
    finally:
        library.faults_every(0, 0)


@contextmanager
def failing(number: int) -> Iterator[None]:
    """Has one call of this thread fail for good: the one with this number, from 1 on."""
    library = _library()
    library.faults_at(number)
    try:
        yield
    finally:
        library.faults_at(0)


def possible() -> int:
    """Returns how many calls could have failed for good in the last `failing`."""
    return int(_library().faults_possible())
