"""What a callback of GLib's may do: use the loop, run a main loop of its own, fail."""

import asyncio
import contextvars
from functools import partial

import mainspring
from mainspring import spawn
from mainspring.compat.glib import attach
from tests.compat.glib.sources import Context, glib
from tests.core.fakes import Bench


def test_a_callback_finds_the_running_loop_and_starts_tasks(
    loop: mainspring.Loop, context: Context
) -> None:
    async def answer() -> str:
        return "from a coroutine"

    async def main() -> list[str]:
        tasks: list[asyncio.Future[str]] = []
        started = asyncio.get_running_loop().create_future()

        def start() -> None:
            tasks.append(asyncio.create_task(answer()))
            tasks.append(spawn(lambda: "from a green thread"))
            started.set_result(None)

        context.once(start)
        await started
        return await asyncio.gather(*tasks)

    assert loop.run_until_complete(main()) == ["from a coroutine", "from a green thread"]


def test_callbacks_run_in_the_context_of_who_attached(context: Context) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    with Bench() as bench:
        token = variable.set("set")
        attach(bench.loop, context.address)
        variable.reset(token)
        context.once(lambda: bench.note(variable.get()))
        assert bench.step() == ["set"]


def test_a_nested_main_loop_runs_glibs_sources_and_the_loop_goes_on_afterwards(
    bench: Bench, context: Context
) -> None:
    def nest() -> None:
        bench.note("begin")
        bench.loop.call_soon(bench.note, "ours")
        context.run_nested(lambda end: context.once(lambda: (bench.note("inner"), end())))
        bench.note("end")

    context.once(nest)
    context.once(partial(bench.note, "beside"))
    # What was ready beside the callback the nested loop has run already, and not again.
    assert bench.steps(3) == [["begin", "beside", "inner", "end"], ["ours"], []]


def test_main_loops_nest_in_one_another(bench: Bench, context: Context) -> None:
    def nest(depth: int) -> None:
        bench.note(depth)
        if depth < 3:
            context.run_nested(
                lambda end: context.once(lambda: (nest(depth + 1), end())),
            )

    context.once(partial(nest, 0))
    assert bench.steps(2) == [[0, 1, 2, 3], []]


def test_a_main_loop_in_a_step_of_the_loops_own_takes_what_was_ready(
    bench: Bench, context: Context
) -> None:
    def run_main_loop() -> None:
        context.run_nested(lambda end: context.once(end, 200))
        bench.note("main loop over")

    bench.loop.call_soon(run_main_loop)
    context.once(partial(bench.note, "glib"))
    assert bench.steps(2) == [["glib", "main loop over"], []]


def test_a_single_iteration_by_hand_does_no_harm(bench: Bench, context: Context) -> None:
    context.once(lambda: glib.g_main_context_iteration(context.address, False))
    context.once(partial(bench.note, "glib"), 1)
    assert bench.steps(2) == [["glib"], []]


def test_a_callback_may_stop_the_loop(loop: mainspring.Loop, context: Context) -> None:
    context.once(loop.stop)
    loop.run_forever()
