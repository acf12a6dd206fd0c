"""What of GLib's runs when: one dispatch is one turn, at the level of its priority."""

import os
from functools import partial

import pytest

from tests.compat.glib.sources import IN, Context
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, READ, URGENT, Bench

LEVELS = {
    -1000: URGENT,
    -200: URGENT,
    -199: HIGH,
    -100: HIGH,
    -1: HIGH,
    0: DEFAULT,
    1: LOW,
    100: LOW,
    199: LOW,
    200: IDLE,
    300: IDLE,
}


@pytest.mark.parametrize(("priority", "level"), LEVELS.items())
def test_a_source_runs_at_the_level_of_its_priority(
    bench: Bench, context: Context, priority: int, level: int
) -> None:
    for each in (URGENT, HIGH, DEFAULT, LOW, IDLE):
        bench.loop.call_soon(bench.note, each, priority=each)
    context.once(partial(bench.note, "glib"), priority)
    ran = [name for step in bench.steps(6) for name in step]
    assert ran.index("glib") == ran.index(level) + 1


def test_a_default_source_takes_turns_with_callbacks(bench: Bench, context: Context) -> None:
    def again() -> None:
        bench.note("ours")
        bench.loop.call_soon(again)

    again()
    context.always(partial(bench.note, "glib"))
    assert bench.steps(3) == [["ours", "glib"]] * 3


def test_an_idle_source_runs_only_when_nothing_else_is_ready(
    bench: Bench, context: Context
) -> None:
    def again(left: int) -> None:
        bench.note("ours")
        if left:
            bench.loop.call_soon(again, left - 1)

    context.always(partial(bench.note, "glib"), 200)
    assert bench.step() == ["glib"]
    bench.loop.call_soon(again, 2)
    assert bench.steps(5) == [["ours"], ["ours"], ["ours"], ["glib"], ["glib"]]


def test_an_idle_source_is_overtaken_by_io(bench: Bench, context: Context) -> None:
    reader, writer = os.pipe()
    bench.loop.add_reader(reader, bench.note, "io")
    context.always(partial(bench.note, "glib"), 200)
    assert bench.step() == ["glib"]
    bench.poller.ready(reader, READ)
    assert bench.steps(2) == [["io"], ["glib"]]
    bench.loop.remove_reader(reader)
    os.close(reader)
    os.close(writer)


def test_an_idle_source_takes_turns_with_idle_calls(bench: Bench, context: Context) -> None:
    context.always(partial(bench.note, "glib"), 200)
    bench.loop.call_idle(bench.note, "first")
    bench.loop.call_idle(bench.note, "second")
    assert bench.steps(4) == [["first"], ["second"], ["glib"], ["glib"]]


def test_urgent_callbacks_keep_glibs_low_sources_out(bench: Bench, context: Context) -> None:
    def again(left: int) -> None:
        bench.note("urgent")
        if left:
            bench.loop.call_soon(again, left - 1, priority=URGENT)

    bench.loop.call_soon(again, 3, priority=URGENT)
    context.always(partial(bench.note, "glib"), 100)
    assert bench.steps(5) == [["urgent"]] * 4 + [["glib"]]


def test_glibs_high_sources_keep_default_callbacks_out(bench: Bench, context: Context) -> None:
    bench.loop.call_soon(bench.note, "ours")
    context.always(partial(bench.note, "glib"), -100, times=3)
    assert bench.steps(4) == [["glib"]] * 3 + [["ours"]]


def test_a_low_source_that_is_locked_out_for_long_runs_once(bench: Bench, context: Context) -> None:
    def again() -> None:
        bench.note("ours", took=0.3)
        bench.loop.call_soon(again)

    again()
    context.always(partial(bench.note, "glib"), 100)
    ran = [name for step in bench.steps(10) for name in step]
    # After each second that it has waited.
    assert ran == ["ours"] * 4 + ["glib"] + ["ours"] * 4 + ["glib"]


def test_one_turn_runs_all_that_is_ready_at_one_priority_and_nothing_else(
    bench: Bench, context: Context
) -> None:
    context.once(partial(bench.note, "20"), 20)
    context.once(partial(bench.note, "10, first"), 10)
    context.once(partial(bench.note, "10, second"), 10)
    assert bench.steps(3) == [["10, first", "10, second"], ["20"], []]


def test_a_source_that_was_destroyed_since_the_poll_does_not_run(
    bench: Bench, context: Context
) -> None:
    source = context.once(partial(bench.note, "glib"))
    bench.loop.call_soon(context.destroy, source)
    assert bench.steps(2) == [[], []]


def test_a_ready_source_moves_up_when_something_more_urgent_is_ready_in_glib(
    bench: Bench, context: Context
) -> None:
    bench.loop.call_soon(bench.note, "ours")
    context.once(partial(bench.note, "low"), 100)

    def urgent() -> None:
        context.once(partial(bench.note, "urgent"), -200)

    bench.loop.call_soon(urgent)
    bench.loop.call_soon(bench.note, "theirs", priority=LOW)
    assert bench.steps(4) == [["ours"], ["urgent"], ["theirs", "low"], []]


def test_an_fd_is_ready_at_the_level_of_its_source(bench: Bench, context: Context) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    context.watch(reader, IN, lambda ready: bench.note(ready), 100)
    bench.loop.call_soon(bench.note, "ours")
    assert bench.steps(2) == [["ours"], [IN]]
    os.close(reader)
    os.close(writer)


def test_glibs_fds_are_no_concern_of_the_loops(bench: Bench, context: Context) -> None:
    """A reader of the loop's on the same fd stays, and so does GLib's source."""
    reader, writer = os.pipe()
    bench.loop.add_reader(reader, bench.note, "ours")
    context.watch(reader, IN, lambda ready: bench.note("glib"))
    os.write(writer, b"x")
    bench.poller.ready(reader, READ)
    assert sorted(bench.step()) == ["glib", "ours"]
    bench.loop.remove_reader(reader)
    assert bench.step() == ["glib"]
    os.close(reader)
    os.close(writer)
