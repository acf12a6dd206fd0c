"""For all tests: one that hangs ends the run, and shows the stack of each thread."""

import faulthandler
import signal
import sys
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


@pytest.fixture(autouse=True, scope="module")
def no_background_loop_is_left() -> Iterator[None]:
    """Ends the background loop of the process: others' tests depend on what threads there are."""
    yield
    background = sys.modules.get("mainspring.green.background")
    if background is not None:
        background.end_background_loop()
