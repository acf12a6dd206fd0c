"""gevent's loop on ours: a loop of its own for each test, or a whole program in its own process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("gevent")

from mainspring.compat.gevent import Loop
from tests.loop.helpers import run_program


class Record(list[Any]):
    """What has happened, in order."""

    def note(self, *what: Any) -> None:
        """Adds the arguments; the callback of a watcher."""
        self.append(what[0] if len(what) == 1 else what)


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop without a hub; what its callbacks raise is kept in `loop.errors`."""
    made = Loop(default=False)
    made.errors = []
    made.error_handler = lambda context, kind, value, tb: made.errors.append((context, value))
    yield made
    made.destroy()


@pytest.fixture
def record() -> Record:
    """The record of a test."""
    return Record()


@pytest.fixture
def program() -> Callable[[str], list[str]]:
    """Runs a program with gevent on our loop; returns the lines it has printed."""

    def run(source: str) -> list[str]:
        choice = 'import os; os.environ["GEVENT_LOOP"] = "mainspring.compat.gevent.Loop"\n'
        code, output, errors = run_program(choice + source)
        assert (code, errors) == (0, "")
        return output.splitlines()

    return run
