"""Ctrl-C inside a deferred block, with real signals.

Invariant proved: it is raised once the block has ended, and only if it came.
"""

import signal
import threading

import pytest

from mainspring.cli.demo.interrupts import deferred_interrupts


def test_an_interrupt_inside_the_block_is_raised_at_its_end() -> None:
    steps = []

    def be_interrupted() -> None:
        with deferred_interrupts():
            signal.raise_signal(signal.SIGINT)
            steps.append("the block went on")
        steps.append("what follows didn't")

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert steps == ["the block went on"]


def test_without_an_interrupt_the_block_is_plain_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_inside_the_block_is_not_hidden() -> None:
    with pytest.raises(ValueError, match="inside"), deferred_interrupts():
        raise ValueError("inside")


def test_outside_the_main_thread_the_handler_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def look() -> None:
        with deferred_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
