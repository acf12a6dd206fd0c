"""`scheduler_stats()`: what each figure counts, of one step at a time."""

import dataclasses
import json
import pickle

import pytest

import mainspring
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT
from tests.threads import another_thread, from_a_thread

EVERY_LEVEL = [URGENT, HIGH, DEFAULT, LOW, IDLE]


def stats(bench):
    return bench.loop.scheduler_stats()


def test_a_new_loop_has_done_nothing(bench):
    found = dataclasses.asdict(stats(bench))
    found.pop("time")
    levels = found.pop("levels")
    assert found.pop("polls") == {"looks": 0, "sleeps": 0, "empty": 0}
    assert found.pop("early_stops") == {"callback": 0, "thread": 0, "quantum": 0}
    gate = found.pop("gate")
    assert (gate.pop("mode"), gate.pop("longest_wait_name")) == ("gate", None)
    assert set(found.values()) == set(gate.values()) == {0}
    assert [level.pop("priority") for level in levels] == EVERY_LEVEL
    assert [level.pop("longest_run_name") for level in levels] == [None] * 5
    assert {sum(level.pop("waits")["counts"]) for level in levels} == {0}
    assert {value for level in levels for value in level.values()} == {0}


@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_every_callback_that_runs_is_counted_at_its_level(bench, level):
    for name in range(3):
        bench.loop.call_soon(bench.note, name, priority=level)
    bench.loop.call_soon(bench.note, "never", priority=level).cancel()
    bench.steps(4)
    assert [stats(bench)[each].runs for each in EVERY_LEVEL] == [
        3 if each is level else 0 for each in EVERY_LEVEL
    ]


def test_a_callback_that_raises_is_counted(bench):
    bench.loop.set_exception_handler(lambda loop, context: None)
    bench.loop.call_soon(lambda: 1 / 0)
    bench.step()
    assert stats(bench)[DEFAULT].runs == 1


def test_ready_io_is_counted_at_its_level(bench):
    bench.loop.add_reader(700, bench.note, "io", priority=HIGH)
    bench.poller.ready(700)
    bench.step()
    assert stats(bench)[HIGH].runs == 1


def test_idle_units_are_the_callbacks_that_ran_at_idle(bench):
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    bench.steps(2)
    assert stats(bench).idle_units == 2


@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_queued_is_what_stands_in_the_run_queue_now(bench, level):
    handles = [bench.loop.call_soon(bench.note, n, priority=level) for n in range(3)]
    assert stats(bench)[level].queued == 3
    handles[1].cancel()
    assert stats(bench)[level].queued == 2
    bench.steps(3)
    assert stats(bench)[level].queued == 0


def test_the_most_that_were_queued_is_seen_when_a_batch_begins(bench):
    for name in range(3):
        bench.loop.call_soon(bench.note, name)
    bench.step()
    bench.loop.call_soon(bench.note, "single")
    bench.step()
    assert stats(bench)[DEFAULT].queued_max == 3


def test_the_most_that_were_queued_at_idle_is_seen_before_one_of_them_runs(bench):
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    bench.step()
    assert stats(bench)[IDLE].queued_max == 3


def test_the_most_that_were_queued_is_seen_by_a_snapshot(bench):
    handles = [bench.loop.call_soon(bench.note, n, priority=LOW) for n in range(3)]
    assert stats(bench)[LOW].queued_max == 3
    for handle in handles:
        handle.cancel()
    bench.step()
    assert stats(bench)[LOW].queued_max == 0


def test_those_that_were_cancelled_behind_the_oldest_count_as_queued(bench):
    bench.loop.call_soon(bench.note, "oldest")
    bench.loop.call_soon(bench.note, "never").cancel()
    bench.step()
    assert stats(bench)[DEFAULT].queued_max == 2


def test_iterations_are_counted(bench):
    bench.steps(3)
    assert stats(bench).iterations == 3


def test_a_poll_that_is_skipped_is_not_counted(bench):
    bench.steps(3)
    assert stats(bench).polls.looks == 0


def test_looks_and_sleeps_are_told_apart_and_those_that_found_nothing_counted(bench):
    bench.loop.add_reader(700, bench.note, "io")
    with another_thread():
        bench.poller.ready(700)
        bench.step()
        bench.step()
        bench.step(may_sleep=True)
    polls = stats(bench).polls
    # The sleep has a look before it.
    assert (polls.looks, polls.sleeps, polls.empty) == (3, 1, 3)
    assert polls.looks + polls.sleeps == len(bench.poller.waits)


def test_the_time_asleep_is_that_of_the_polls_that_wait(bench):
    bench.loop.add_reader(700, bench.note, "io")
    bench.poller.during_wait = lambda: bench.clock.advance(1)
    bench.step(may_sleep=True)
    bench.loop.call_soon(bench.note, "work", 3)
    bench.step()
    found = stats(bench)
    # A look takes a second of this clock too, and isn't sleep.
    assert (found.asleep, found.busy) == (1, 3 + found.polls.looks)
    assert found.utilisation == found.busy / (found.busy + found.asleep)


def test_a_loop_that_sleeps_is_asleep_to_another_thread_that_asks(bench):
    seen = []

    def ask():
        if bench.poller.waits[-1][0] != 0:
            bench.clock.advance(5)
            seen.append(from_a_thread(bench.loop.scheduler_stats))

    bench.poller.during_wait = ask
    bench.step(may_sleep=True)
    assert [(each.asleep, each.busy, each.utilisation) for each in seen] == [(5, 0, 0)]


def test_a_loop_that_runs_is_busy_to_a_callback_that_asks(bench):
    seen = []

    def ask():
        bench.clock.advance(5)
        seen.append(stats(bench))

    bench.loop.call_soon(ask)
    bench.step()
    assert [(each.busy, each.utilisation) for each in seen] == [(5, 1)]


def test_the_time_between_two_runs_is_neither_busy_nor_asleep(bench):
    bench.loop.call_soon(bench.note, "work", 2)
    bench.step()
    bench.clock.advance(100)
    bench.step()
    assert (stats(bench).busy, stats(bench).asleep) == (2, 0)


def test_a_batch_that_more_urgent_work_of_a_callback_ends_is_counted(bench):
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "high", priority=HIGH))
    bench.loop.call_soon(bench.note, "left")
    bench.step()
    assert dataclasses.astuple(stats(bench).early_stops) == (1, 0, 0)


def test_a_batch_that_more_urgent_work_of_another_thread_ends_is_counted(bench):
    send = bench.loop.call_soon_threadsafe
    bench.loop.call_soon(lambda: from_a_thread(send, bench.note, "sent", priority=HIGH))
    bench.loop.call_soon(bench.note, "left")
    bench.step()
    assert dataclasses.astuple(stats(bench).early_stops) == (0, 1, 0)


@pytest.mark.parametrize(("level", "took"), [(DEFAULT, 0.006), (LOW, 0.0003)])
def test_a_batch_that_the_time_ends_is_counted(bench, level, took):
    for name in range(2):
        bench.loop.call_soon(bench.note, name, took, priority=level)
    bench.steps(2)
    assert dataclasses.astuple(stats(bench).early_stops) == (0, 0, 1)


def test_a_batch_that_was_over_anyway_is_no_early_stop(bench):
    bench.loop.call_soon(bench.note, "first")
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "high", 60, priority=HIGH))
    bench.steps(2)
    assert dataclasses.astuple(stats(bench).early_stops) == (0, 0, 0)


def test_a_low_callback_that_had_waited_too_long_is_counted(bench):
    bench.loop.call_soon(bench.note, "low", priority=LOW)
    bench.loop.call_soon(bench.note, "default")
    bench.clock.advance(1.5)
    assert bench.steps(2) == [["low"], ["default"]]
    assert (stats(bench).low_forced, stats(bench)[LOW].runs) == (1, 1)


def test_an_idle_call_that_its_timeout_moved_is_counted_and_runs_at_default(bench):
    bench.loop.call_idle(bench.note, "idle", timeout=1)
    bench.loop.call_idle(bench.note, "never", timeout=1).cancel()
    bench.clock.advance(1)
    bench.step()
    found = stats(bench)
    assert (found.idle_timeouts, found[DEFAULT].runs, found.idle_units) == (1, 1, 0)


def test_the_difference_of_two_snapshots_is_what_happened_in_between(bench):
    bench.loop.set_scheduler_stats(run_times=True, waits=True)
    bench.loop.call_soon(bench.note, "before", 8)
    bench.step()
    earlier = stats(bench)
    for name in range(2):
        bench.loop.call_soon(bench.note, name, 2)
    bench.steps(2)
    between = stats(bench) - earlier
    assert isinstance(between, mainspring.SchedulerStats)
    assert (between.time, between.iterations, between.busy) == (4, 2, 4)
    assert between.early_stops.quantum == 1
    level = between[DEFAULT]
    assert (level.priority, level.runs, level.run_time, level.waits.total) == (DEFAULT, 2, 4, 2)
    # These are no sums: the later snapshot's.
    assert (level.queued, level.queued_max, level.longest_run) == (0, 2, 8)


def test_only_snapshots_can_be_subtracted_from_snapshots(bench):
    with pytest.raises(TypeError):
        stats(bench) - stats(bench).polls


def test_maxima_can_begin_anew_with_each_snapshot(bench):
    bench.loop.set_scheduler_stats(run_times=True)
    for name in range(3):
        bench.loop.call_soon(bench.note, name, 1)
    bench.steps(3)
    first = bench.loop.scheduler_stats(restart_maxima=True)[DEFAULT]
    assert (first.queued_max, first.longest_run) == (3, 1)
    second = stats(bench)[DEFAULT]
    assert (second.queued_max, second.longest_run, second.longest_run_name) == (0, 0, None)
    assert (second.runs, second.run_time) == (3, 3)


def test_a_level_is_found_by_its_priority_or_the_value_of_one(bench):
    assert stats(bench)[LOW].priority is stats(bench)[1].priority is LOW
    with pytest.raises(ValueError, match="7"):
        stats(bench)[7]


def test_a_snapshot_can_be_kept_compared_pickled_and_written_as_json(bench):
    taken = stats(bench)
    assert pickle.loads(pickle.dumps(taken)) == taken
    assert len({taken, stats(bench)}) == 1
    assert json.loads(json.dumps(dataclasses.asdict(taken)))["iterations"] == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        taken.iterations = 1


def test_another_thread_sees_the_same_as_the_loops_own(bench):
    bench.loop.call_soon(bench.note, "work")
    bench.step()
    assert from_a_thread(bench.loop.scheduler_stats) == stats(bench)


def test_a_closed_loop_still_tells_what_it_did(bench):
    bench.loop.call_soon(bench.note, "ran")
    bench.step()
    bench.loop.call_soon(bench.note, "never")
    bench.loop.close()
    assert (stats(bench)[DEFAULT].runs, stats(bench)[DEFAULT].queued) == (1, 0)
