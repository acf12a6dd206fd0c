"""Step 3 of the iteration: what threads sent, the ready I/O, the due timers, in that order."""

import itertools

import pytest

from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, READ, URGENT, WRITE
from tests.threads import from_a_thread


def test_what_threads_sent_comes_before_io_and_io_before_timers(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_later(1, bench.note, "timer")
    bench.loop.call_soon(from_a_thread, bench.loop.call_soon_threadsafe, bench.note, "sent")
    assert bench.step() == []
    bench.poller.ready(700)
    bench.clock.advance(1)
    assert bench.step() == ["sent", "io", "timer"]


def test_what_was_queued_comes_before_what_is_collected(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_later(0, bench.note, "timer")
    bench.loop.call_soon(bench.note, "queued")
    bench.poller.ready(700)
    assert bench.step() == ["queued", "io", "timer"]


def test_what_threads_sent_runs_in_the_order_in_which_it_was_sent(bench):
    def send():
        for name in range(100):
            bench.loop.call_soon_threadsafe(bench.note, name)

    bench.loop.call_soon(from_a_thread, send)
    assert bench.steps(2) == [[], list(range(100))]


def test_what_threads_sent_runs_each_at_its_own_priority(bench):
    def send():
        for level in (IDLE, LOW, DEFAULT, HIGH, URGENT):
            bench.loop.call_soon_threadsafe(bench.note, level, priority=level)

    bench.loop.call_soon(from_a_thread, send)
    assert bench.steps(6) == [[], [URGENT], [HIGH], [DEFAULT], [LOW], [IDLE]]


def test_the_loops_own_thread_queues_directly(bench):
    bench.loop.call_soon(bench.loop.call_soon_threadsafe, bench.note, "first")
    bench.loop.call_soon(bench.loop.call_soon, bench.note, "second")
    assert bench.steps(2) == [[], ["first", "second"]]


def test_a_loop_that_does_not_run_takes_callbacks_from_any_thread(bench):
    from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent")
    bench.loop.call_soon(bench.note, "queued")
    assert bench.step() == ["sent", "queued"]


def test_ready_fds_run_in_the_order_of_the_poll(bench):
    for fd in (700, 701, 702):
        bench.loop.add_reader(fd, bench.note, fd)
    for fd in (701, 700, 702):
        bench.poller.ready(fd)
    assert bench.step() == [701, 700, 702]


def test_ready_fds_run_each_at_its_own_priority(bench):
    for fd, level in enumerate((IDLE, LOW, DEFAULT, HIGH, URGENT), 700):
        bench.loop.add_reader(fd, bench.note, level, priority=level)
        bench.poller.ready(fd)
    assert bench.steps(5) == [[URGENT], [HIGH], [DEFAULT], [LOW], [IDLE]]


def test_due_timers_run_each_at_its_own_priority(bench):
    for level in (IDLE, LOW, DEFAULT, HIGH, URGENT):
        bench.loop.call_later(1, bench.note, level, priority=level)
    bench.clock.advance(1)
    assert bench.steps(5) == [[URGENT], [HIGH], [DEFAULT], [LOW], [IDLE]]


def test_one_fd_can_be_ready_both_ways(bench):
    bench.loop.add_reader(700, bench.note, "reader")
    bench.loop.add_writer(700, bench.note, "writer")
    bench.poller.ready(700, READ | WRITE)
    assert sorted(bench.step()) == ["reader", "writer"]


def test_a_watcher_hears_of_its_own_direction_only(bench):
    bench.loop.add_reader(700, bench.note, "reader")
    bench.loop.add_writer(700, bench.note, "writer")
    bench.poller.ready(700, WRITE)
    assert bench.step() == ["writer"]


def test_an_fd_that_stays_ready_is_queued_once_until_its_callback_ran(bench):
    bench.loop.add_reader(700, bench.note, "io", priority=LOW)
    for _ in range(3):
        bench.loop.call_soon(bench.note, "default")
        bench.poller.ready(700)
        assert bench.step() == ["default"]
    assert bench.steps(2) == [["io"], []]


def test_an_fd_that_is_ready_again_is_queued_again(bench):
    bench.loop.add_reader(700, bench.note, "io")
    for _ in range(3):
        bench.poller.ready(700)
        assert bench.step() == ["io"]


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_due_timers_run_by_time(bench, order):
    for when in order:
        bench.loop.call_at(1000 + when, bench.note, when)
    bench.clock.advance(10)
    assert bench.step() == [1, 2, 3]


def test_due_timers_of_one_time_run_by_arrival(bench):
    for name in range(50):
        bench.loop.call_at(1001, bench.note, name)
    bench.clock.advance(1)
    assert bench.step() == list(range(50))


def test_due_timers_of_one_time_run_by_priority_and_then_by_arrival(bench):
    when = bench.loop.time() + 1
    for name, level in (("l", LOW), ("d1", DEFAULT), ("h", HIGH), ("d2", DEFAULT)):
        bench.loop.call_at(when, bench.note, name, priority=level)
    bench.clock.advance(1)
    assert bench.steps(3) == [["h"], ["d1", "d2"], ["l"]]


def test_a_low_timer_that_is_due_waits_while_high_work_is_ready(bench):
    def again(left):
        bench.note("high")
        if left:
            bench.loop.call_soon(again, left - 1, priority=HIGH)

    bench.loop.call_later(0, bench.note, "low timer", priority=LOW)
    bench.loop.call_soon(again, 2, priority=HIGH)
    assert bench.steps(4) == [["high"], ["high"], ["high"], ["low timer"]]


def test_a_high_timer_that_is_due_goes_before_the_rest_of_a_cut_low_batch(bench):
    bench.loop.call_later(0.001, bench.note, "high timer", priority=HIGH)
    for name in range(2):
        bench.loop.call_soon(bench.note, name, 0.001, priority=LOW)
    assert bench.steps(3) == [[0], ["high timer"], [1]]


def test_a_timer_that_is_due_goes_before_the_next_idle_callback(bench):
    bench.loop.call_later(0.001, bench.note, "timer", priority=LOW)
    for name in range(2):
        bench.loop.call_idle(bench.note, name, 0.001)
    assert bench.steps(3) == [[0], ["timer"], [1]]


def test_a_timer_that_a_timer_sets_for_now_runs_in_the_next_iteration(bench):
    bench.loop.call_later(0, bench.loop.call_later, 0, bench.note, "second")
    bench.loop.call_later(0, bench.note, "first")
    assert bench.steps(2) == [["first"], ["second"]]


def test_timers_that_are_not_due_stay(bench):
    for when in (1, 2, 3):
        bench.loop.call_later(when, bench.note, when)
    bench.clock.advance(2)
    assert bench.step() == [1, 2]
    bench.clock.advance(1)
    assert bench.step() == [3]


def test_the_io_of_a_batch_that_ended_in_an_exception_is_not_lost(bench):
    def interrupt():
        raise KeyboardInterrupt

    bench.loop.add_reader(700, bench.note, "io")
    bench.loop.call_soon(interrupt)
    bench.poller.ready(700)
    with pytest.raises(KeyboardInterrupt):
        bench.loop.step()
    assert bench.step() == ["io"]
