"""What ends in mid-batch: an exception, the program, the run; and who tries to close the loop."""

import asyncio

import pytest

from mainspring import Priority
from tests.core.fakes import IDLE

every_level = pytest.mark.parametrize("level", Priority)


def all_that_runs(bench):
    """Steps until nothing is left; returns what ran, however many iterations it took."""
    return [name for ran in bench.steps(6) for name in ran]


@every_level
def test_a_callback_that_raises_is_reported_and_the_others_run(bench, level):
    reported = []
    bench.loop.set_exception_handler(lambda loop, context: reported.append(context["exception"]))
    bench.loop.call_soon(bench.note, 0, priority=level)
    bench.loop.call_soon(lambda: 1 / 0, priority=level)
    bench.loop.call_soon(bench.note, 1, priority=level)
    assert all_that_runs(bench) == [0, 1]
    assert [type(exc) for exc in reported] == [ZeroDivisionError]


@every_level
@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_leaves_the_rest_queued_in_order(bench, level, ending):
    def end():
        raise ending

    bench.loop.call_soon(end, priority=level)
    for name in range(3):
        bench.loop.call_soon(bench.note, name, priority=level)
    with pytest.raises(ending):
        bench.loop.run_forever()
    assert bench.loop.scheduler_stats()[level].queued == 3
    assert all_that_runs(bench) == [0, 1, 2]


@every_level
def test_a_stop_in_a_batch_ends_the_run_and_loses_nothing(bench, level):
    bench.loop.call_soon(bench.note, 0, priority=level)
    bench.loop.call_soon(bench.loop.stop, priority=level)
    for name in (1, 2):
        bench.loop.call_soon(bench.note, name, priority=level)
    bench.loop.run_forever()
    # The batch is run to its end, but at IDLE there is none: one callback is all that runs.
    assert bench.ran == ([0] if level is IDLE else [0, 1, 2])
    assert all_that_runs(bench) == ([1, 2] if level is IDLE else [])


@every_level
def test_a_stop_lets_nothing_run_that_the_batch_queues(bench, level):
    def stop():
        bench.loop.stop()
        bench.loop.call_soon(bench.note, "added", priority=level)

    bench.loop.call_soon(stop, priority=level)
    bench.loop.run_forever()
    assert bench.ran == []
    assert bench.step() == ["added"]


@every_level
def test_a_loop_refuses_to_be_closed_by_its_own_callback_and_goes_on(bench, level):
    def close():
        with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
            bench.loop.close()

    bench.loop.call_soon(close, priority=level)
    bench.loop.call_soon(bench.note, "left", priority=level)
    assert all_that_runs(bench) == ["left"]


@every_level
def test_what_a_level_still_has_when_the_loop_is_closed_never_runs(bench, level):
    bench.loop.call_soon(bench.note, "never", priority=level)
    bench.loop.close()
    assert bench.loop.scheduler_stats()[level].queued == 0
    assert bench.ran == []


@every_level
def test_run_until_complete_ends_though_idle_work_never_does(bench, level):
    def again():
        bench.note("idle")
        bench.loop.call_idle(again)

    async def main():
        for _ in range(2):
            await asyncio.sleep(0)
        return "done"

    again()
    main_task = bench.loop.create_task(main(), priority=level)
    assert bench.loop.run_until_complete(main_task) == "done"
    # At IDLE the two take turns; above it the idle work has none.
    assert len(bench.ran) == (4 if level is IDLE else 1)
