"""For all tests: one that hangs ends the run, and shows the stack of each thread."""

import faulthandler
import signal
from collections.abc import Iterator

import pytest

SECONDS = 120

# A shell starts what runs in the background with SIGINT ignored, and so would be every program that
# a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """Starts the clock anew for each test."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
