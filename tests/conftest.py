"""For all tests: one that hangs ends the run, and shows the stack of each thread."""

import faulthandler
from collections.abc import Iterator

import pytest

SECONDS = 120


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """Starts the clock anew for each test."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
