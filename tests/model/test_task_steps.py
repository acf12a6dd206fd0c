"""The steps of tasks against the model: random programs must run in the same order.

Each task has a script for each of its steps, and says there what happens in it: tasks are made, are
given other priorities, are cancelled. The clock stands still, so that no slice is over.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring import set_priority
from tests.core.fakes import Bench

from .run_queue import Priority, RunQueue

MOST_TASKS = 30
STEPS_AT_THE_END = 150

numbers = st.integers(0, 10)
levels = st.sampled_from(list(Priority))


def operations(script: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Returns one operation; `script` is what a step of a task that it makes does."""
    return st.one_of(
        st.tuples(st.just("create"), levels, st.lists(script, max_size=3)),
        st.tuples(st.just("set_priority"), numbers, levels),
        st.tuples(st.just("cancel"), numbers),
        st.tuples(st.just("soon"), levels),
    )


scripts = st.recursive(
    st.just([]), lambda inner: st.lists(operations(inner), max_size=4), max_leaves=8
)
programs = st.lists(st.one_of(operations(scripts), st.just(("step",))), max_size=30)


class Driver:
    """What both sides share: a record of what ran, and the end of a program."""

    def __init__(self) -> None:
        self.ran: list[Any] = []

    def perform(self, script: list[Any]) -> None:
        for name, *arguments in script:
            getattr(self, name)(*arguments)

    def run(self, program: list[Any]) -> list[Any]:
        self.perform(program)
        for _ in range(STEPS_AT_THE_END):
            self.perform([("step",)])
        return self.ran


class Compiled(Driver):
    """The program on a loop of ours."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.tasks: list[asyncio.Task[None]] = []

    async def body(self, number: int, steps: list[Any]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            for turn, script in enumerate(steps):
                self.ran.append((number, turn))
                self.perform(script)
                await asyncio.sleep(0)

    def create(self, level: Priority, steps: list[Any]) -> None:
        if len(self.tasks) < MOST_TASKS:
            self.tasks.append(
                self.bench.loop.create_task(self.body(len(self.tasks), steps), priority=level)
            )

    def set_priority(self, number: int, level: Priority) -> None:
        if number < len(self.tasks):
            set_priority(self.tasks[number], level)

    def cancel(self, number: int) -> None:
        if number < len(self.tasks):
            self.tasks[number].cancel()

    def soon(self, level: Priority) -> None:
        self.bench.loop.call_soon(self.ran.append, "soon", priority=level)

    def step(self) -> None:
        self.bench.step()
        self.ran.append("step")


@dataclass(eq=False)
class Step:
    """What stands on the model's queue: a callback, or the next step of a task."""

    task: "ModelTask | None"

    def cancelled(self) -> bool:
        return False


@dataclass(eq=False)
class ModelTask:
    """A task of the model."""

    number: int
    level: Priority
    steps: list[Any]
    queued: Any = None
    turn: int = 0
    is_cancelled: bool = False
    is_done: bool = False


class Model(Driver):
    """The program in plain Python."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = RunQueue()
        self.tasks: list[ModelTask] = []

    def push(self, task: ModelTask | None, level: Priority) -> Any:
        step: Any = Step(task)
        self.queue.push(step, level, 0)
        return step

    def create(self, level: Priority, steps: list[Any]) -> None:
        if len(self.tasks) < MOST_TASKS:
            task = ModelTask(len(self.tasks), level, steps)
            task.queued = self.push(task, level)
            self.tasks.append(task)

    def set_priority(self, number: int, level: Priority) -> None:
        if number < len(self.tasks) and not self.tasks[number].is_done:
            task = self.tasks[number]
            task.level = level
            if task.queued is not None:
                self.queue.move(task.queued, level, 0)

    def cancel(self, number: int) -> None:
        if number < len(self.tasks):
            self.tasks[number].is_cancelled = True

    def soon(self, level: Priority) -> None:
        self.push(None, level)

    def run_one(self, level: Priority) -> None:
        step: Any = self.queue.pop(level)
        task = step.task
        if task is None:
            self.ran.append("soon")
            return
        task.queued = None
        if task.is_cancelled or task.turn == len(task.steps):
            task.is_done = True
            return
        self.ran.append((task.number, task.turn))
        task.turn += 1
        self.perform(task.steps[task.turn - 1])
        task.queued = self.push(task, task.level)

    def step(self) -> None:
        level = self.queue.highest()
        if level is Priority.IDLE:
            self.run_one(level)
        elif level is not None:
            end = self.queue.next_serial
            while self.queue.highest() is level and self.queue.has_before(end, level):
                self.run_one(level)
        self.ran.append("step")


@settings(deadline=None, max_examples=200, derandomize=True)
@given(programs)
def test_the_steps_of_tasks_run_in_the_order_of_the_model(program):
    with Bench() as bench:
        compiled = Compiled(bench)
        ran = compiled.run(program)
        assert ran == Model().run(program)
        assert all(task.done() for task in compiled.tasks)
