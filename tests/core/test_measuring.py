"""What `set_scheduler_stats()` switches on: how long callbacks run and wait; what ran longest."""

import math

import pytest

import mainspring
from mainspring.loop.scheduler_stats import Histogram
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, URGENT

EVERY_LEVEL = [URGENT, HIGH, DEFAULT, LOW, IDLE]


def stats(bench):
    return bench.loop.scheduler_stats()


def test_run_times_are_measured_only_while_they_are_asked_for(bench):
    bench.loop.call_soon(bench.note, "before", 10)
    bench.step()
    bench.loop.set_scheduler_stats(run_times=True)
    for took in (1, 3, 2):
        bench.loop.call_soon(bench.note, "measured", took)
        bench.step()
    bench.loop.set_scheduler_stats(run_times=False)
    bench.loop.call_soon(bench.note, "after", 10)
    bench.step()
    level = stats(bench)[DEFAULT]
    assert (level.runs, level.timed_runs, level.run_time, level.longest_run) == (5, 3, 6, 3)


def test_the_time_of_a_callback_is_measured_also_when_it_raises(bench):
    def fail():
        bench.clock.advance(2)
        raise KeyboardInterrupt

    bench.loop.set_scheduler_stats(run_times=True)
    bench.loop.call_soon(fail)
    with pytest.raises(KeyboardInterrupt):
        bench.loop.step()
    assert (stats(bench)[DEFAULT].timed_runs, stats(bench)[DEFAULT].longest_run) == (1, 2)


def test_debug_mode_and_the_measuring_of_run_times_go_together(bench):
    bench.loop.set_debug(True)
    bench.loop.set_scheduler_stats(run_times=True)
    bench.loop.call_soon(bench.note, "both", 2)
    assert bench.step() == ["both"]
    bench.loop.set_debug(False)
    bench.loop.call_soon(bench.note, "one", 2)
    assert bench.step() == ["one"]
    assert stats(bench)[DEFAULT].run_time == 4


def test_the_longest_run_is_named_as_asyncio_describes_a_handle(bench):
    bench.loop.set_scheduler_stats(run_times=True)
    bench.loop.call_soon(bench.note, "longest", 2)
    bench.loop.call_soon(lambda: bench.clock.advance(1))
    bench.step()
    name = stats(bench)[DEFAULT].longest_run_name
    assert name.startswith("<Handle Bench.note(")


def test_the_longest_run_of_a_task_is_named_as_the_task(bench):
    async def work():
        bench.clock.advance(2)

    bench.loop.set_scheduler_stats(run_times=True)
    task = bench.loop.create_task(work(), name="the culprit", priority=LOW)
    bench.step()
    assert stats(bench)[LOW].longest_run_name == repr(task)


def test_the_longest_run_has_a_name_also_when_it_cancelled_itself(bench):
    handles = []

    def cancel_myself():
        handles[0].cancel()
        bench.clock.advance(1)

    bench.loop.set_scheduler_stats(run_times=True)
    handles.append(bench.loop.call_soon(cancel_myself))
    bench.step()
    assert "cancel_myself" in stats(bench)[DEFAULT].longest_run_name


def test_a_description_that_fails_does_not_end_the_loop(bench):
    class Shy:
        def __call__(self):
            bench.note("ran", 1)

        def __repr__(self):
            raise ValueError("no name")

    bench.loop.set_scheduler_stats(run_times=True)
    bench.loop.call_soon(Shy())
    assert bench.step() == ["ran"]
    assert "ValueError" in stats(bench)[DEFAULT].longest_run_name


@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_a_wait_is_the_time_in_the_run_queue(bench, level):
    bench.loop.set_scheduler_stats(waits=True)
    bench.loop.call_soon(bench.note, "work", priority=level)
    bench.clock.advance(3e-6)
    bench.step()
    waits = stats(bench)[level].waits
    assert (waits.total, waits.quantile(1)) == (1, 4e-6)


def test_what_was_queued_before_waits_were_measured_is_not_counted(bench):
    for _ in range(2):
        # The second time the handle of the first serves again.
        bench.loop.call_soon(bench.note, "before")
        bench.clock.advance(1)
        bench.loop.set_scheduler_stats(waits=True)
        bench.step()
        bench.loop.set_scheduler_stats(waits=False)
    assert stats(bench)[DEFAULT].waits.total == 0


def test_measuring_waits_can_be_asked_for_twice(bench):
    bench.loop.set_scheduler_stats(waits=True)
    bench.loop.call_soon(bench.note, "work")
    bench.clock.advance(1)
    bench.loop.set_scheduler_stats(waits=True, run_times=True)
    bench.step()
    assert stats(bench)[DEFAULT].waits.total == 1


@pytest.mark.parametrize(
    ("nanoseconds", "bound"),
    [(0, 1e-6), (999, 1e-6), (1000, 2e-6), (1999, 2e-6), (2000, 4e-6), (10**9, 1.048576)],
)
def test_a_wait_is_counted_below_the_next_power_of_two(bench, nanoseconds, bound):
    bench.loop.set_scheduler_stats(waits=True)
    bench.loop.call_soon(bench.note, "work")
    bench.clock.nanoseconds += nanoseconds
    bench.step()
    waits = stats(bench)[DEFAULT].waits
    assert waits.bounds[waits.counts.index(1)] == bound


def test_the_longest_waits_have_no_bound(bench):
    bench.loop.set_scheduler_stats(waits=True)
    bench.loop.call_soon(bench.note, "work")
    bench.clock.advance(10**6)
    bench.step()
    assert stats(bench)[DEFAULT].waits.quantile(0.5) == math.inf


def test_a_quantile_is_the_bound_that_so_many_did_not_exceed():
    histogram = Histogram((90, 0, 9, 1))
    found = [histogram.quantile(q) for q in (0, 0.5, 0.9, 0.99, 1)]
    assert found == [1e-6, 1e-6, 1e-6, 4e-6, math.inf]


def test_a_quantile_of_nothing_is_nothing():
    assert Histogram((0, 0)).quantile(0.99) == 0


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_a_quantile_of_no_fraction_is_refused(fraction):
    with pytest.raises(ValueError, match="from 0 to 1"):
        Histogram((1,)).quantile(fraction)


def test_the_repr_of_a_histogram_is_short():
    assert repr(Histogram((0,) * 32)) == "<Histogram of 0>"
    assert repr(Histogram((1, 1))) == "<Histogram of 2: 50 %: 1e-06 s, 99 %: inf s, 100 %: inf s>"


def test_a_real_clock_measures_too():
    loop = mainspring.new_event_loop()
    loop.set_scheduler_stats(run_times=True, waits=True)
    loop.call_later(1e-6, loop.stop)
    loop.run_forever()
    found = loop.scheduler_stats()
    loop.close()
    assert found.busy > 0
    assert 0 < found[DEFAULT].run_time <= found.busy
    assert found[DEFAULT].waits.total == 1
