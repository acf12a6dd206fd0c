"""Step 4 of the iteration: which level runs, how far a batch goes, and what cuts it short."""

import pytest

from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT
from tests.threads import from_a_thread

EVERY_LEVEL = [URGENT, HIGH, DEFAULT, LOW, IDLE]


def test_a_step_runs_the_highest_level_and_no_other(bench):
    for level in (DEFAULT, IDLE, HIGH, LOW, URGENT):
        bench.loop.call_soon(bench.note, level, priority=level)
    assert bench.steps(6) == [[URGENT], [HIGH], [DEFAULT], [LOW], [IDLE], []]


def test_a_low_callback_waits_while_default_work_is_ready(bench):
    def busy(left):
        bench.note("busy")
        if left:
            bench.loop.call_soon(busy, left - 1)

    bench.loop.call_soon(bench.note, "low", priority=LOW)
    bench.loop.call_soon(busy, 3)
    assert bench.steps(5) == [["busy"]] * 4 + [["low"]]


@pytest.mark.parametrize("level", [URGENT, HIGH, DEFAULT, LOW])
def test_a_batch_runs_its_level_in_order_of_arrival(bench, level):
    for name in range(5):
        bench.loop.call_soon(bench.note, name, priority=level)
    assert bench.step() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("level", [URGENT, HIGH, DEFAULT, LOW])
def test_what_a_batch_adds_at_its_own_level_runs_in_the_next(bench, level):
    def add():
        bench.note("first")
        bench.loop.call_soon(bench.note, "added", priority=level)

    bench.loop.call_soon(add, priority=level)
    bench.loop.call_soon(bench.note, "second", priority=level)
    assert bench.steps(2) == [["first", "second"], ["added"]]


def test_what_a_callback_adds_at_a_lower_level_does_not_end_the_batch(bench):
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "low", priority=LOW))
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(2) == [["default"], ["low"]]


@pytest.mark.parametrize(
    ("level", "higher"), [(HIGH, URGENT), (DEFAULT, URGENT), (DEFAULT, HIGH), (LOW, DEFAULT)]
)
def test_a_batch_ends_when_a_callback_queues_something_more_urgent(bench, level, higher):
    def urge():
        bench.note("first")
        bench.loop.call_soon(bench.note, "urgent", priority=higher)

    bench.loop.call_soon(urge, priority=level)
    bench.loop.call_soon(bench.note, "second", priority=level)
    assert bench.steps(3) == [["first"], ["urgent"], ["second"]]


@pytest.mark.parametrize(
    ("level", "higher"), [(HIGH, URGENT), (DEFAULT, URGENT), (DEFAULT, HIGH), (LOW, DEFAULT)]
)
def test_a_batch_ends_when_another_thread_sends_something_more_urgent(bench, level, higher):
    def send():
        bench.note("first")
        from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent", priority=higher)

    bench.loop.call_soon(send, priority=level)
    bench.loop.call_soon(bench.note, "second", priority=level)
    assert bench.steps(3) == [["first"], ["sent"], ["second"]]


def test_what_another_thread_sends_at_the_same_level_does_not_end_the_batch(bench):
    bench.loop.call_soon(from_a_thread, bench.loop.call_soon_threadsafe, bench.note, "sent")
    bench.loop.call_soon(bench.note, "second")
    assert bench.steps(2) == [["second"], ["sent"]]


def test_a_more_urgent_callback_that_was_cancelled_at_once_does_not_end_the_batch(bench):
    def urge():
        bench.note("first")
        bench.loop.call_soon(bench.note, "never", priority=URGENT).cancel()

    bench.loop.call_soon(urge)
    bench.loop.call_soon(bench.note, "second")
    assert bench.steps(2) == [["first", "second"], []]


def test_the_callbacks_that_a_cut_batch_left_run_before_what_came_later(bench):
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "later"))
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "high", priority=HIGH))
    bench.loop.call_soon(bench.note, "left")
    assert bench.steps(3) == [[], ["high"], ["left", "later"]]


@pytest.mark.parametrize("level", [URGENT, HIGH, DEFAULT])
def test_a_batch_at_default_or_above_goes_on_for_five_milliseconds(bench, level):
    for name in range(6):
        bench.loop.call_soon(bench.note, name, 0.001, priority=level)
    assert bench.steps(2) == [[0, 1, 2, 3, 4, 5], []]


@pytest.mark.parametrize("level", [URGENT, HIGH, DEFAULT])
def test_a_batch_at_default_or_above_is_cut_once_five_milliseconds_have_passed(bench, level):
    bench.loop.call_soon(bench.note, 0, 0.005, priority=level)
    bench.loop.call_soon(bench.note, 1, 1e-9, priority=level)
    bench.loop.call_soon(bench.note, 2, priority=level)
    assert bench.steps(2) == [[0, 1], [2]]


def test_a_low_batch_goes_on_for_a_fifth_of_a_millisecond(bench):
    for name in range(3):
        bench.loop.call_soon(bench.note, name, 0.0001, priority=LOW)
    assert bench.steps(2) == [[0, 1, 2], []]


def test_a_low_batch_is_cut_once_a_fifth_of_a_millisecond_has_passed(bench):
    bench.loop.call_soon(bench.note, 0, 0.0002, priority=LOW)
    bench.loop.call_soon(bench.note, 1, 1e-9, priority=LOW)
    bench.loop.call_soon(bench.note, 2, priority=LOW)
    assert bench.steps(2) == [[0, 1], [2]]


def test_one_callback_runs_however_long_the_one_before_it_took(bench):
    for name in range(3):
        bench.loop.call_soon(bench.note, name, 60)
    assert bench.steps(3) == [[0], [1], [2]]


def test_the_quantum_is_counted_from_the_poll(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.poller.during_wait = lambda: bench.clock.advance(1)
    bench.loop.call_soon(bench.note, 0, 0.005)
    bench.loop.call_soon(bench.note, 1)
    assert bench.step() == [0, 1]


def test_io_joins_after_a_cut_and_behind_what_the_batch_left(bench):
    bench.loop.add_reader(700, bench.note, "io")
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.003)
    assert bench.step() == [0, 1]
    bench.poller.ready(700)
    assert bench.steps(2) == [[2, 3], ["io"]]


@pytest.mark.parametrize("level", [URGENT, HIGH, DEFAULT])
def test_time_does_not_cut_a_stopping_batch_at_default_or_above(bench, level):
    bench.loop.call_soon(bench.loop.stop, priority=level)
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.003, priority=level)
    bench.loop.run_forever()
    assert bench.ran == [0, 1, 2, 3]


def test_urgent_work_does_not_cut_a_stopping_batch(bench):
    bench.loop.call_soon(bench.loop.stop)
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "urgent", priority=URGENT))
    bench.loop.call_soon(bench.note, "default")
    bench.loop.run_forever()
    assert bench.ran == ["default"]


def test_time_cuts_a_stopping_batch_at_low(bench):
    bench.loop.call_soon(bench.loop.stop, priority=LOW)
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.00015, priority=LOW)
    bench.loop.run_forever()
    assert bench.ran == [0, 1]


def test_a_stop_before_the_run_lets_one_iteration_through(bench):
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "second"))
    bench.loop.call_soon(bench.note, "first")
    bench.loop.stop()
    bench.loop.run_forever()
    assert bench.ran == ["first"]


def test_a_callback_that_raises_does_not_end_the_batch(bench):
    reported = []
    bench.loop.set_exception_handler(lambda loop, context: reported.append(context["exception"]))
    bench.loop.call_soon(lambda: 1 / 0)
    bench.loop.call_soon(bench.note, "second")
    assert bench.step() == ["second"]
    assert [type(exc) for exc in reported] == [ZeroDivisionError]


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_exception_that_ends_the_program_leaves_the_rest_of_the_batch_queued(bench, ending):
    def end():
        raise ending

    bench.loop.call_soon(end)
    bench.loop.call_soon(bench.note, "left")
    with pytest.raises(ending):
        bench.loop.step()
    assert bench.step() == ["left"]
