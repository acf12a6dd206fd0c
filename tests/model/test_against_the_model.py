"""The compiled loop against the model: random programs must run in the same order, step by step.

A program is a list of operations; each callback carries operations of its own. Both loops get
the same program, a clock that only the program moves, and single steps, so any difference in
what a step ran is a difference in the iteration. Durations are multiples of 1/512 s, which is
exact both as a float of seconds and as an integer of nanoseconds.
"""

import asyncio
import copy
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mainspring
from mainspring.core.clock import Clock

from .counts import Counts
from .iteration import ModelLoop

UNIT_NS = 1_953_125
START = 512_000
STEPS_AT_THE_END = 40

levels = st.sampled_from([None, -2, -1, 0, 0, 1, 2])
spans = st.sampled_from([0, 0, 1, 2, 3, 256, 513])


def operations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Returns one operation; `inner` is what its callback does."""
    return st.one_of(
        st.tuples(st.just("soon"), levels, inner),
        st.tuples(st.just("thread"), levels, inner),
        st.tuples(st.just("later"), spans, levels, inner),
        st.tuples(st.just("idle"), st.one_of(st.none(), spans), inner),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("work"), spans),
        st.tuples(st.just("watch"), levels),
        st.tuples(st.just("unwatch")),
    )


scripts = st.recursive(
    st.just([]), lambda inner: st.lists(operations(inner), max_size=4), max_leaves=12
)
programs = st.lists(st.one_of(operations(scripts), st.just(("step",))), max_size=25)


class Units:
    """The time of a program, in 1/512 s."""

    def __init__(self) -> None:
        self.now = START


class UnitClock(Clock):
    """That time for the compiled loop."""

    def __init__(self, units: Units) -> None:
        self.units = units

    def now(self) -> int:
        return self.units.now * UNIT_NS


class Driver:
    """Runs a program on one loop and records what each step ran."""

    def __init__(self, loop: Any, units: Units) -> None:
        self.loop = loop
        self.units = units
        self.handles: list[asyncio.Handle] = []
        self.ran: list[Any] = []
        self.reader, self.writer = socket.socketpair()
        self.reader.setblocking(False)
        self.writer.send(b"x")  # ready for ever: nothing reads it

    def close(self) -> None:
        self.loop.remove_reader(self.reader)
        self.loop.close()
        self.reader.close()
        self.writer.close()

    def callback(self, script: list[Any]) -> Callable[[], None]:
        name = len(self.handles)

        def run() -> None:
            self.ran.append(name)
            self.perform(script)

        return run

    def perform(self, script: list[Any]) -> None:
        for operation, *arguments in script:
            getattr(self, operation)(*arguments)

    def soon(self, level: int | None, script: list[Any]) -> None:
        self.handles.append(self.loop.call_soon(self.callback(script), priority=level))

    def thread(self, level: int | None, script: list[Any]) -> None:
        def send() -> None:
            call = self.loop.call_soon_threadsafe
            self.handles.append(call(self.callback(script), priority=level))

        sender = threading.Thread(target=send)
        sender.start()
        sender.join()

    def later(self, span: int, level: int | None, script: list[Any]) -> None:
        callback = self.callback(script)
        self.handles.append(self.loop.call_later(span / 512, callback, priority=level))

    def idle(self, timeout: int | None, script: list[Any]) -> None:
        seconds = None if timeout is None else timeout / 512
        self.handles.append(self.loop.call_idle(self.callback(script), timeout=seconds))

    def cancel(self, index: int) -> None:
        if index < len(self.handles):
            self.handles[index].cancel()

    def work(self, span: int) -> None:
        self.units.now += span

    def watch(self, level: int | None) -> None:
        self.loop.add_reader(self.reader, self.ran.append, "ready", priority=level)

    def unwatch(self) -> None:
        self.loop.remove_reader(self.reader)

    def step(self) -> None:
        self.loop.step()
        self.ran.append("step")


def model_driver() -> Driver:
    units = Units()
    return Driver(ModelLoop(clock=lambda: units.now / 512), units)


def compiled_driver() -> Driver:
    units = Units()
    loop = mainspring.Loop(clock=UnitClock(units))
    loop.set_scheduler_stats(run_times=True, waits=True)
    return Driver(loop, units)


def counts_of(loop: Any) -> Counts:
    """Returns what either kind of loop has counted."""
    return loop.counts() if isinstance(loop, ModelLoop) else Counts.of(loop.scheduler_stats())


def run(driver: Driver, program: list[Any]) -> list[Any]:
    try:
        driver.perform(program)
        for _ in range(STEPS_AT_THE_END):
            driver.step()
        return driver.ran
    finally:
        driver.close()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(programs)
def test_the_compiled_loop_runs_every_program_in_the_order_of_the_model(program):
    assert run(compiled_driver(), program) == run(model_driver(), program)


def counted(driver: Driver, program: list[Any]) -> list[Counts]:
    """Runs a program and returns what was counted before the last steps, and after."""
    counts = []
    try:
        driver.perform(program)
        counts.append(copy.deepcopy(counts_of(driver.loop)))
        for _ in range(STEPS_AT_THE_END):
            driver.step()
        counts.append(counts_of(driver.loop))
        return counts
    finally:
        driver.close()


# Two that random search leaves out: LOW has waited for too long; a callback cuts its batch.
LOW_WAITED_TOO_LONG = [("soon", 1, []), ("work", 513), ("soon", 0, []), ("step",)]
CUT_BY_A_CALLBACK = [("soon", 0, [("soon", -1, [])]), ("soon", 0, [])]


@settings(deadline=None, max_examples=200, derandomize=True)
@given(programs)
@example(LOW_WAITED_TOO_LONG)
@example(CUT_BY_A_CALLBACK)
def test_the_sums_of_the_statistics_are_those_that_the_model_counts(program):
    assert counted(compiled_driver(), program) == counted(model_driver(), program)


@pytest.mark.parametrize("make", [model_driver, compiled_driver])
def test_a_ready_watch_runs_once_a_step_and_a_removed_one_never(make):
    program = [("watch", 1), ("step",), ("step",), ("unwatch",)]
    assert run(make(), program) == ["ready", "step", "ready", "step"] + ["step"] * STEPS_AT_THE_END


# Two programs that random search found; each is a sentence of the iteration.
THREADS_BEFORE_IO = [("soon", None, [("thread", None, []), ("watch", None)])]
CANCELLED_BEFORE_ITS_TURN = [
    *[("soon", None, [])] * 4,
    ("soon", -2, [("thread", -2, []), ("cancel", 5)]),
]


def test_what_threads_sent_runs_before_the_io_that_is_ready():
    assert run(compiled_driver(), THREADS_BEFORE_IO) == run(model_driver(), THREADS_BEFORE_IO)


def test_a_cancelled_call_from_a_thread_does_not_cut_later_batches():
    program = CANCELLED_BEFORE_ITS_TURN
    assert run(compiled_driver(), program) == run(model_driver(), program)
