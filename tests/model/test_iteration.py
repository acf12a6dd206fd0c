"""Every sentence of the normative iteration, single-stepped on the model.

The clock and the selector are fakes, so a step runs exactly what the text says it runs.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .fakes import FakeClock, FakeSelector
from .iteration import ModelLoop, priority
from .run_queue import Priority

URGENT, HIGH, DEFAULT, LOW, IDLE = Priority


class Bench:
    """A loop on fakes, and the record of what ran."""

    def __init__(self) -> None:
        self.clock, self.selector, self.ran = FakeClock(), FakeSelector(), []
        self.loop = ModelLoop(self.selector, self.clock)

    def note(self, name: Any, took: float = 0.0) -> None:
        self.ran.append(name)
        self.clock.advance(took)

    def step(self) -> list[Any]:
        """Runs one iteration and returns what ran in it."""
        before = len(self.ran)
        self.loop.step()
        return self.ran[before:]


def from_a_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Makes one call in another thread and waits for it."""
    thread = threading.Thread(target=call, args=args, kwargs=kwargs)
    thread.start()
    thread.join()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.loop.close()


def test_a_batch_runs_what_was_queued_when_it_began_in_order(bench):
    loop = bench.loop
    loop.call_soon(lambda: (bench.note(1), loop.call_soon(bench.note, 3)))
    loop.call_soon(bench.note, 2)
    assert bench.step() == [1, 2]
    assert bench.step() == [3]


def test_the_highest_level_runs_first_and_only_that_one_in_a_step(bench):
    for level in (IDLE, LOW, DEFAULT, HIGH, URGENT):
        bench.loop.call_soon(bench.note, level, priority=level)
    assert [bench.step() for _ in range(5)] == [[level] for level in Priority]


def test_a_batch_ends_when_a_callback_queues_something_more_urgent(bench):
    bench.loop.call_soon(bench.loop.call_soon_threadsafe, bench.note, "later")
    bench.loop.call_soon(lambda: bench.loop.call_soon(bench.note, "high", priority=HIGH))
    bench.loop.call_soon(bench.note, "default")
    assert [bench.step() for _ in range(3)] == [[], ["high"], ["default", "later"]]


def test_a_batch_ends_when_another_thread_sends_something_more_urgent(bench):
    def send() -> None:
        bench.note("first")
        from_a_thread(bench.loop.call_soon_threadsafe, bench.note, "sent", priority=HIGH)

    bench.loop.call_soon(send)
    bench.loop.call_soon(bench.note, "second")
    assert [bench.step() for _ in range(3)] == [["first"], ["sent"], ["second"]]


def test_a_default_batch_is_cut_after_five_milliseconds_and_io_joins_in_order(bench):
    bench.loop.add_reader(50, bench.note, "io")
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.003)
    assert bench.step() == [0, 1]
    bench.selector.ready(50)
    assert bench.step() == [2, 3]
    assert bench.step() == ["io"]


def test_a_low_batch_is_cut_after_a_fifth_of_a_millisecond(bench):
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.00015, priority=LOW)
    assert [bench.step(), bench.step()] == [[0, 1], [2, 3]]


def test_idle_runs_exactly_one(bench):
    for name in range(3):
        bench.loop.call_idle(bench.note, name)
    assert [bench.step() for _ in range(3)] == [[0], [1], [2]]


def test_a_stopping_batch_at_default_is_not_cut(bench):
    bench.loop.call_soon(bench.loop.stop)
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.003)
    bench.loop.run_forever()
    assert bench.ran == [0, 1, 2, 3]


def test_a_stopping_batch_at_low_is_cut(bench):
    bench.loop.call_soon(bench.loop.stop, priority=LOW)
    for name in range(4):
        bench.loop.call_soon(bench.note, name, 0.00015, priority=LOW)
    bench.loop.run_forever()
    assert bench.ran == [0, 1]


def test_a_cancelled_callback_does_not_let_a_later_one_into_the_batch(bench):
    doomed = []
    bench.loop.call_soon(lambda: (doomed[0].cancel(), bench.loop.call_soon(bench.note, "later")))
    doomed.append(bench.loop.call_soon(bench.note, "never"))
    bench.loop.call_soon(bench.note, "last")
    assert [bench.step(), bench.step(), bench.step()] == [["last"], ["later"], []]


def test_threads_come_before_io_and_io_before_timers(bench):
    bench.loop.add_reader(50, bench.note, "io")
    bench.loop.call_later(1, bench.note, "timer")
    bench.loop.call_soon(from_a_thread, bench.loop.call_soon_threadsafe, bench.note, "sent")
    assert bench.step() == []
    bench.selector.ready(50)
    bench.clock.advance(1)
    assert bench.step() == ["sent", "io", "timer"]


def test_timers_run_by_time_and_then_by_arrival(bench):
    now = bench.loop.time()
    for name, when in (("c", 3), ("a", 1), ("d", 3), ("b", 2)):
        bench.loop.call_at(now + when, bench.note, name)
    bench.clock.advance(3)
    assert bench.step() == ["a", "b", "c", "d"]


def test_a_timer_is_never_early(bench):
    bench.loop.call_at(bench.loop.time() + 1, bench.note, "timer")
    bench.clock.advance(0.999999)
    assert bench.step() == []


def test_ready_io_and_due_timers_run_at_their_own_priority(bench):
    bench.loop.add_reader(50, bench.note, "low io", priority=LOW)
    bench.loop.add_writer(51, bench.note, "high io", priority=HIGH)
    bench.loop.call_later(0, bench.note, "urgent timer", priority=URGENT)
    bench.selector.ready(50)
    bench.selector.ready(51, selectors.EVENT_WRITE)
    assert [bench.step() for _ in range(3)] == [["urgent timer"], ["high io"], ["low io"]]


def test_a_watch_that_polls_ready_before_its_turn_is_queued_once(bench):
    bench.loop.add_reader(50, bench.note, "io", priority=LOW)
    bench.loop.call_soon(bench.note, "default")
    bench.selector.ready(50)
    assert bench.step() == ["default"]
    bench.selector.ready(50)
    assert [bench.step(), bench.step()] == [["io"], []]


def test_the_timeout_is_zero_with_work_then_the_next_timer_then_forever(bench):
    loop, end = bench.loop, bench.loop.stop
    timer = loop.call_later(7, bench.note, "timer")
    loop.call_soon(end)
    loop.run_forever()
    loop.call_soon(loop.call_later, 0, end)
    bench.selector.timeouts.clear()
    loop.run_forever()
    assert bench.selector.timeouts == [0, 0]
    timer.cancel()
    assert loop._timeout() is None
    loop.call_later(3, end)
    assert loop._timeout() == 3


def test_an_idle_call_with_a_timeout_runs_at_default_when_it_is_over(bench):
    def busy() -> None:
        bench.note("busy", 0.003)
        bench.loop.call_soon(busy)

    busy()
    bench.loop.call_idle(bench.note, "idle", timeout=0.004)
    assert [bench.step() for _ in range(3)] == [["busy"], ["busy"], ["busy", "idle"]]


def test_a_finished_idle_call_leaves_no_timer_behind(bench):
    bench.loop.call_idle(bench.note, "idle", timeout=1)
    assert bench.step() == ["idle"]
    assert bench.loop._timeout() is None


def test_the_oldest_low_item_runs_alone_after_max_wait_and_the_clock_restarts(bench):
    def busy() -> None:
        bench.clock.advance(0.4)
        bench.loop.call_soon(busy)

    bench.loop.call_soon(busy)
    for name in ("a", "b"):
        bench.loop.call_soon(bench.note, name, priority=LOW)
    assert [bench.step() for _ in range(9)] == [[]] * 3 + [["a"]] + [[]] * 3 + [["b"]] + [[]]


def test_a_task_runs_at_its_own_priority_and_what_it_starts_inherits_it(bench):
    async def child() -> None:
        bench.note("child")

    async def parent() -> None:
        bench.note("parent")
        bench.loop.create_task(child())
        await asyncio.sleep(0)
        bench.note("parent again")

    bench.loop.create_task(parent(), priority=LOW)
    bench.loop.call_soon(bench.note, "default")
    assert [bench.step() for _ in range(3)] == [["default"], ["parent"], ["child", "parent again"]]


def test_the_context_variable_speaks_for_what_names_no_priority(bench):
    bench.loop.call_soon(bench.note, "default")
    with priority(HIGH):
        bench.loop.call_soon(bench.note, "high")
        bench.loop.call_soon(bench.note, "low", priority=LOW)
    assert [bench.step() for _ in range(3)] == [["high"], ["default"], ["low"]]


def test_the_end_of_run_until_complete_is_never_below_default(bench):
    done = bench.loop.create_future()
    bench.loop.call_soon(done.set_result, "done")
    with priority(IDLE):
        for name in range(3):
            bench.loop.call_soon(bench.note, name)
        assert bench.loop.run_until_complete(done) == "done"
    assert bench.ran == []


def test_a_priority_that_does_not_exist_is_refused(bench):
    with pytest.raises(ValueError, match="7"):
        bench.loop.call_soon(bench.note, "x", priority=7)
