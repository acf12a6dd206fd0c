"""The report of a level above DEFAULT that keeps DEFAULT waiting for long."""

import asyncio
import logging

import pytest

from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT


@pytest.fixture
def reports(caplog):
    """What was logged since it was asked last, and that it was on asyncio's logger."""
    caplog.set_level(logging.WARNING, logger="asyncio")

    def since():
        found = [record.getMessage() for record in caplog.records]
        assert {record.name for record in caplog.records} <= {"asyncio"}
        caplog.clear()
        return found

    return since


class Hog:
    """A callback that schedules itself for ever."""

    def __init__(self, bench, took, level=HIGH):
        self.bench, self.took, self.level = bench, took, level
        self.call()

    def call(self):
        self.bench.clock.advance(self.took)
        self.bench.loop.call_soon(self.call, priority=self.level)


@pytest.mark.parametrize("level", [URGENT, HIGH])
def test_a_level_that_keeps_default_waiting_is_reported_with_the_callback_that_does(
    bench, reports, level
):
    Hog(bench, 0.04, level)
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(3) == [[], [], []]
    assert reports() == []
    assert bench.step() == []
    (report,) = reports()
    assert report.startswith("DEFAULT work has waited for 0.120 seconds")
    assert level.name in report
    assert "Hog.call(" in report


def test_a_high_chain_locks_default_out_for_ever(bench, reports):
    Hog(bench, 0.01)
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(1000) == [[]] * 1000
    # Ten seconds, and a report at most every ten.
    assert len(reports()) == 1


def test_a_task_that_keeps_default_waiting_is_named_as_a_task(bench, reports):
    async def hog():
        while True:
            bench.clock.advance(0.06)
            await asyncio.sleep(0)

    task = bench.loop.create_task(hog(), priority=HIGH, name="the hog")
    bench.step()
    bench.loop.call_soon(bench.note, "default")
    bench.steps(4)
    (report,) = reports()
    assert "name='the hog'" in report
    task.cancel()
    bench.step()


def test_the_report_names_the_longest_run_where_run_times_are_measured(bench, reports):
    bench.loop.set_scheduler_stats(run_times=True)
    bench.loop.call_soon(bench.note, "long", 3, priority=HIGH)
    bench.step()
    Hog(bench, 0.06)
    bench.loop.call_soon(bench.note, "default")
    bench.steps(4)
    (report,) = reports()
    assert "its longest took 3.000 seconds: <Handle Bench.note(" in report


def test_the_report_names_no_run_that_has_little_to_do_with_it(bench, reports):
    bench.loop.set_scheduler_stats(run_times=True)
    Hog(bench, 0.001)
    bench.loop.call_soon(bench.note, "default")
    bench.steps(110)
    (report,) = reports()
    assert "longest" not in report


def test_a_report_comes_at_most_every_ten_seconds(bench, reports):
    Hog(bench, 1)
    bench.loop.call_soon(bench.note, "default")
    bench.steps(2)
    assert len(reports()) == 1
    bench.steps(9)
    assert reports() == []
    bench.step()
    assert len(reports()) == 1


def test_the_wait_counts_from_when_default_is_passed_over_first(bench, reports):
    bench.loop.call_soon(bench.note, "default")
    bench.clock.advance(60)
    Hog(bench, 0.05)
    bench.steps(3)
    assert reports() == []


def test_each_default_callback_has_a_wait_of_its_own(bench, reports):
    Hog(bench, 0.04)
    for _ in range(10):
        handle = bench.loop.call_soon(bench.note, "never")
        bench.steps(3)
        handle.cancel()
    assert reports() == []


def test_one_long_callback_is_no_lock_out(bench, reports):
    bench.loop.call_soon(bench.note, "high", 60, priority=HIGH)
    bench.loop.call_soon(bench.note, "default")
    assert bench.steps(2) == [["high"], ["default"]]
    assert reports() == []


@pytest.mark.parametrize("waiting", [LOW, IDLE])
def test_a_less_urgent_level_that_waits_is_as_it_should_be(bench, reports, waiting):
    Hog(bench, 0.04)
    bench.loop.call_soon(bench.note, "waits", priority=waiting)
    bench.steps(20)
    assert reports() == []


def test_default_may_lock_out_what_it_likes(bench, reports):
    Hog(bench, 0.04, DEFAULT)
    bench.loop.call_soon(bench.note, "waits", priority=IDLE)
    bench.steps(20)
    assert reports() == []


def test_how_long_is_long_can_be_set(bench, reports):
    bench.loop.lock_out_duration = 0.5
    assert bench.loop.lock_out_duration == 0.5
    Hog(bench, 0.4)
    bench.loop.call_soon(bench.note, "default")
    bench.steps(2)
    assert reports() == []
    bench.step()
    assert len(reports()) == 1


def test_the_report_can_be_switched_off(bench, reports):
    bench.loop.lock_out_duration = None
    assert bench.loop.lock_out_duration is None
    Hog(bench, 60)
    bench.loop.call_soon(bench.note, "default")
    bench.steps(20)
    assert reports() == []


def test_a_tenth_of_a_second_is_long_unless_something_else_was_said(bench):
    assert bench.loop.lock_out_duration == 0.1


def test_a_program_that_names_no_priority_reads_no_clock_for_it(bench):
    # The quantum is measured with ticks, which are the fake clock's `now` too.
    for name in range(3):
        bench.loop.call_soon(bench.note, name)
        before = bench.clock.reads
        assert bench.step() == [name]
        # One when the run begins, one when its batch does, one when it ends.
        assert bench.clock.reads == before + 3


def test_whoever_is_told_may_cancel_what_was_to_run(bench):
    class Cancelling(logging.Handler):
        def emit(self, record):
            hog.cancel()

    handler = Cancelling()
    logging.getLogger("asyncio").addHandler(handler)
    try:
        bench.loop.call_soon(bench.note, "default")
        bench.loop.call_soon(bench.note, "high", 1, priority=HIGH)
        hog = bench.loop.call_soon(bench.note, "cancelled", priority=HIGH)
        assert bench.steps(2) == [["high"], ["default"]]
    finally:
        logging.getLogger("asyncio").removeHandler(handler)
