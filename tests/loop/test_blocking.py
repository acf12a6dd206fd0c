"""Debug mode names a call that blocks the loop, while it does."""

import asyncio
import logging
import threading

import pytest

import mainspring
from mainspring.green import spawn
from tests.loop.helpers import run_ready


class Reported(logging.Handler):
    """Notes the reports of blocking calls, and lets go of who blocks until one has come."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.event = threading.Event()

    def emit(self, record):
        if "has blocked" in record.getMessage():
            self.texts.append(record.getMessage())
            self.event.set()


@pytest.fixture
def reported():
    """What is reported."""
    handler = Reported()
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def debugged(ours):
    """Our loop in debug mode, which every callback of ten milliseconds blocks."""
    ours.set_debug(True)
    ours.slow_callback_duration = 0.01
    return ours


def test_a_call_that_blocks_is_named_with_its_line_before_it_returns(debugged, reported):
    def block():
        reported.event.wait()  # the blocking call

    debugged.call_soon(block)
    run_ready(debugged)
    (text,) = reported.texts
    assert text.startswith("Executing <Handle ")
    assert "in wait:" in text.splitlines()[0]
    assert "reported.event.wait()  # the blocking call" in text


def test_a_green_thread_that_blocks_is_named_by_its_function(debugged, reported):
    def blocks_all():
        reported.event.wait()

    async def main():
        await spawn(blocks_all, name="the blocking one")

    debugged.run_until_complete(main())
    (text,) = reported.texts
    assert "the blocking one" in text
    assert "in blocks_all" in text


def test_one_callback_is_reported_once(debugged, reported):
    second = threading.Event()

    def block():
        reported.event.wait()
        second.wait(0.05)  # sleep-ok: what is awaited here is that nothing comes

    debugged.call_soon(block)
    run_ready(debugged)
    assert len(reported.texts) == 1


def test_a_loop_that_waits_for_its_sockets_is_not_blocked(debugged, reported):
    async def main():
        await asyncio.sleep(0.05)

    debugged.run_until_complete(main())
    assert reported.texts == []


def test_without_debug_mode_nobody_watches(ours):
    ours.call_soon(lambda: None)
    run_ready(ours)
    assert ours._blocking_watch is None


def test_the_watch_ends_with_the_loop():
    loop = mainspring.new_event_loop()
    loop.set_debug(True)
    run_ready(loop)
    loop.close()
    assert "mainspring-blocking-watch" not in {one.name for one in threading.enumerate()}
