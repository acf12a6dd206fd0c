"""Steps 1 and 2 of the iteration: when the loop polls, for how long, with or without the GIL."""

import os
import signal
import threading

import pytest

from tests.core.fakes import IDLE, LOW, WRITE
from tests.threads import another_thread, from_a_thread

SECOND = 10**9


@pytest.fixture
def watching(bench):
    """A bench whose loop watches an fd, so that no poll is skipped."""
    bench.loop.add_reader(700, bench.note, "io")
    return bench


def test_the_poll_does_not_wait_while_something_is_queued(watching):
    watching.loop.call_soon(watching.note, "work")
    watching.step(may_sleep=True)
    assert watching.poller.timeouts == [0]


def test_the_poll_does_not_wait_while_only_idle_work_is_queued(watching):
    watching.loop.call_idle(watching.note, "work")
    watching.step(may_sleep=True)
    assert watching.poller.timeouts == [0]


def test_the_poll_does_not_wait_while_the_loop_is_stopping(watching):
    watching.loop.stop()
    watching.step(may_sleep=True)
    assert watching.poller.timeouts == [0]


def test_the_poll_waits_for_ever_when_there_is_nothing_to_do(watching):
    watching.step(may_sleep=True)
    assert watching.poller.timeouts[-1] == -1


def test_the_poll_waits_until_the_next_timer(watching):
    watching.loop.call_at(1003, watching.note, "third")
    watching.loop.call_at(1001.5, watching.note, "first")
    watching.loop.call_at(1002, watching.note, "second")
    watching.step(may_sleep=True)
    assert watching.poller.timeouts[-1] == SECOND * 3 // 2


def test_the_poll_does_not_wait_for_a_timer_that_was_cancelled(watching):
    watching.loop.call_at(1003, watching.note, "later")
    watching.loop.call_at(1001, watching.note, "never").cancel()
    watching.step(may_sleep=True)
    assert watching.poller.timeouts[-1] == SECOND * 3


def test_the_poll_waits_for_ever_when_the_last_timer_was_cancelled(watching):
    watching.loop.call_at(1001, watching.note, "never").cancel()
    watching.step(may_sleep=True)
    assert watching.poller.timeouts[-1] == -1


@pytest.mark.parametrize("when", [1000.0, 999.0, 0.0, -1.0, -1e300, float("-inf")])
def test_the_poll_does_not_wait_for_a_timer_that_is_due(watching, when):
    watching.loop.call_at(when, watching.note, "due")
    assert watching.step(may_sleep=True) == ["due"]
    assert watching.poller.timeouts == [0]


def test_the_poll_is_skipped_when_nothing_but_the_wake_up_is_watched(bench):
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    bench.steps(3)
    assert bench.poller.waits == []


def test_a_loop_that_may_sleep_polls_though_nothing_but_the_wake_up_is_watched(bench):
    bench.step(may_sleep=True)
    assert bench.poller.timeouts[-1] == -1


def test_a_poll_precedes_every_iteration_once_an_fd_is_watched(watching):
    for _ in range(4):
        watching.loop.call_soon(watching.note, "work")
        watching.step()
    assert watching.poller.timeouts == [0, 0, 0, 0]


def test_a_default_callback_that_schedules_itself_locks_no_io_out(watching):
    def again():
        watching.loop.call_soon(again)

    again()
    watching.steps(50)
    watching.poller.ready(700)
    assert watching.step() == ["io"]
    assert len(watching.poller.waits) == 51


def test_io_waits_for_one_of_ten_thousand_idle_callbacks_at_most(watching):
    for name in range(10_000):
        watching.loop.call_idle(watching.note, name)
    for turn in range(100):
        assert watching.step() == [turn]
        watching.poller.ready(700)
        assert watching.step() == ["io"]
    assert len(watching.poller.waits) == 200


def test_io_waits_for_a_fifth_of_a_millisecond_of_ten_thousand_low_callbacks(watching):
    for _ in range(10_000):
        watching.loop.call_soon(watching.note, "low", 0.00005, priority=LOW)
    for _ in range(100):
        # The fifth is the first after which the time has passed.
        assert watching.step() == ["low"] * 5
        watching.poller.ready(700)
        assert watching.step() == ["io"]
    assert len(watching.poller.waits) == 200


def test_the_poll_is_skipped_again_once_the_last_fd_is_no_longer_watched(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.add_writer(700, bench.note, "io")
    bench.loop.remove_reader(700)
    bench.step()
    assert len(bench.poller.waits) == 1
    bench.loop.remove_writer(700)
    bench.step()
    assert len(bench.poller.waits) == 1


def test_a_poll_that_does_not_wait_keeps_the_gil(watching):
    watching.step()
    assert watching.poller.waits == [(0, False)]


def test_a_poll_that_may_wait_releases_the_gil(watching):
    watching.step(may_sleep=True)
    assert watching.poller.waits[-1] == (-1, True)


def test_a_look_goes_before_the_sleep_where_another_thread_lives(watching):
    with another_thread():
        watching.step(may_sleep=True)
    assert watching.poller.waits == [(0, False), (-1, True)]


def test_the_loop_does_not_sleep_when_the_look_before_it_finds_something(watching):
    watching.poller.ready(700)
    with another_thread():
        assert watching.step(may_sleep=True) == ["io"]
    assert watching.poller.waits == [(0, False)]


def test_there_is_no_look_before_the_sleep_of_a_single_thread(watching):
    if threading.active_count() > 1:
        pytest.skip("whoever runs the tests has threads of its own")
    watching.step(may_sleep=True)
    assert watching.poller.waits == [(-1, True)]


def offers(watching, took, steps):
    """Runs callbacks of a length; returns before which of them the GIL was offered to others."""
    offered = []
    for _ in range(steps):
        before = watching.loop.gate.counts()["offers"]
        watching.loop.call_soon(watching.note, "work", took)
        watching.step()
        offered.append(watching.loop.gate.counts()["offers"] - before)
    return offered


def test_a_busy_loop_offers_other_threads_the_gil_every_four_milliseconds(watching):
    with another_thread():
        watching.step()
        assert offers(watching, 0.002, 3) == [0, 0, 1]


def test_offers_that_nobody_takes_become_rarer(watching):
    with another_thread():
        watching.step()
        # One in 16 in the end; how soon depends on when the other thread has come to its rest.
        assert sum(offers(watching, 0.004, 320)) < 80


def test_a_busy_loop_keeps_the_gil_where_no_other_thread_lives(watching):
    if threading.active_count() > 1:
        pytest.skip("whoever runs the tests has threads of its own")
    assert offers(watching, 60, 4) == [0, 0, 0, 0]


def test_the_timeout_counts_the_time_since_the_timer_was_set(watching):
    watching.loop.call_later(3, watching.note, "timer")
    watching.clock.advance(2)
    watching.step(may_sleep=True)
    assert watching.poller.timeouts[-1] == SECOND


def test_what_another_thread_sends_during_the_sleep_runs_in_the_same_iteration(bench):
    bench.poller.during_wait = lambda: from_a_thread(
        bench.loop.call_soon_threadsafe, bench.note, "sent"
    )
    assert bench.step(may_sleep=True) == ["sent"]


def test_a_signal_is_seen_in_an_iteration_that_runs_no_python_code(bench):
    # Only C code runs between the wake-up and the callback, and C code never comes by the check.
    seen = []
    bench.loop.add_signal_handler(signal.SIGUSR1, seen.append, "signal")
    bench.poller.during_wait = lambda: os.kill(os.getpid(), signal.SIGUSR1)
    bench.step(may_sleep=True)
    assert seen == ["signal"]


def test_the_wake_up_is_watched_for_reading_and_never_counts_as_an_fd(bench):
    assert [mask for mask, _ in bench.poller.registered.values()] == [1]
    bench.loop.add_writer(700, bench.note, "io", priority=IDLE)
    assert bench.poller.registered[700][0] == WRITE
