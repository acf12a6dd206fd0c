"""Debug mode: slow callbacks, wrong threads and misplaced coroutines are told."""

import asyncio
import logging
import sys

import pytest

from tests.loop.helpers import run_program, run_ready
from tests.threads import from_a_thread


async def coroutine_function():
    pass


def work():
    pass


def warnings_of(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.fixture
def slow(loop):
    """A loop in debug mode for which every callback is slow."""
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    return loop


def test_a_slow_callback_is_reported_by_name(slow, caplog):
    slow.call_soon(work)
    run_ready(slow)
    reports = [text for text in warnings_of(caplog) if "work()" in text]
    assert len(reports) == 1
    assert reports[0].startswith("Executing <Handle work()")
    assert reports[0].endswith(" took 0.000 seconds")


def test_a_slow_step_of_a_task_is_reported_by_the_tasks_name(slow, caplog):
    async def main():
        pass

    slow.run_until_complete(slow.create_task(main(), name="the slow one"))
    assert any("the slow one" in text for text in warnings_of(caplog))


def test_a_callback_that_is_fast_enough_is_not_reported(loop, caplog):
    loop.set_debug(True)
    loop.slow_callback_duration = 3600
    loop.call_soon(work)
    run_ready(loop)
    assert warnings_of(caplog) == []


def test_nothing_is_reported_without_debug_mode(loop, caplog):
    loop.slow_callback_duration = 0
    loop.call_soon(work)
    run_ready(loop)
    assert warnings_of(caplog) == []


def test_a_tenth_of_a_second_is_slow_by_default(loop):
    assert loop.slow_callback_duration == 0.1


def test_a_callback_that_fails_is_reported_as_slow_all_the_same(slow, caplog):
    slow.set_exception_handler(lambda *args: None)
    slow.call_soon(lambda: 1 / 0)
    run_ready(slow)
    assert any("<lambda>" in text for text in warnings_of(caplog))


@pytest.mark.parametrize(
    ("call", "args"),
    [("call_soon", (work,)), ("call_later", (1, work)), ("call_at", (1, work))],
)
def test_a_call_from_another_thread_is_refused_while_the_loop_runs(loop, call, args):
    async def main():
        from_a_thread(getattr(loop, call), *args)

    loop.set_debug(True)
    with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
        loop.run_until_complete(main())


def test_call_idle_from_another_thread_is_refused_too(ours):
    async def main():
        from_a_thread(ours.call_idle, work)

    ours.set_debug(True)
    with pytest.raises(RuntimeError, match="use call_soon_threadsafe"):
        ours.run_until_complete(main())


def test_call_soon_threadsafe_from_another_thread_is_right(loop):
    ran = []

    async def main():
        from_a_thread(loop.call_soon_threadsafe, ran.append, 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.set_debug(True)
    loop.run_until_complete(main())
    assert ran == [1]


def test_a_loop_that_does_not_run_takes_calls_from_any_thread(loop):
    loop.set_debug(True)
    ran = []
    from_a_thread(loop.call_soon, ran.append, 1)
    run_ready(loop)
    assert ran == [1]


takes_callbacks = pytest.mark.parametrize(
    ("call", "args"),
    [
        ("call_soon", ()),
        ("call_soon_threadsafe", ()),
        ("call_later", (1,)),
        ("call_at", (1,)),
        ("run_in_executor", (None,)),
    ],
)


@takes_callbacks
def test_a_coroutine_function_where_a_callback_belongs_is_refused(loop, call, args):
    loop.set_debug(True)
    with pytest.raises(TypeError, match=r"coroutines cannot be used with \w+\(\)"):
        getattr(loop, call)(*args, coroutine_function)


@takes_callbacks
def test_a_coroutine_where_a_callback_belongs_is_refused(loop, call, args):
    loop.set_debug(True)
    coroutine = coroutine_function()
    with pytest.raises(TypeError, match="coroutines cannot be used with"):
        getattr(loop, call)(*args, coroutine)
    coroutine.close()


@pytest.mark.parametrize(
    ("call", "args"),
    [("call_soon", ()), ("call_soon_threadsafe", ()), ("call_later", (1,)), ("call_at", (1,))],
)
def test_what_can_not_be_called_is_refused(loop, call, args):
    loop.set_debug(True)
    with pytest.raises(TypeError, match="a callable object was expected by"):
        getattr(loop, call)(*args, 5)


def test_a_run_tracks_where_coroutines_were_made(loop):
    origins = []

    async def main():
        coroutine = coroutine_function()
        origins.append(coroutine.cr_origin)
        await coroutine

    before = sys.get_coroutine_origin_tracking_depth()
    loop.set_debug(True)
    loop.run_until_complete(main())
    assert origins[0]
    assert sys.get_coroutine_origin_tracking_depth() == before


def test_a_run_without_debug_mode_tracks_no_origins(loop):
    async def main():
        return sys.get_coroutine_origin_tracking_depth()

    before = sys.get_coroutine_origin_tracking_depth()
    assert loop.run_until_complete(main()) == before


def test_debug_mode_can_be_switched_while_the_loop_runs(loop):
    depths = []

    async def main():
        for enabled in (True, False):
            loop.set_debug(enabled)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            depths.append(sys.get_coroutine_origin_tracking_depth())

    before = sys.get_coroutine_origin_tracking_depth()
    loop.run_until_complete(main())
    assert depths[0] > 0
    assert depths[1] == before


def test_a_task_knows_the_line_that_made_it(loop):
    loop.set_debug(True)
    line = sys._getframe().f_lineno
    task = loop.create_task(coroutine_function())
    run_ready(loop)
    frame = task._source_traceback[-1]
    assert (frame.filename, frame.lineno) == (__file__, line + 1)


def test_a_task_that_failed_is_told_of_as_soon_as_nobody_holds_it(loop):
    async def fail():
        raise LookupError("lost")

    async def main():
        asyncio.create_task(fail())  # noqa: RUF006 - that nobody holds it is the point
        await asyncio.sleep(0)
        return [context["message"] for context in contexts]

    loop.set_debug(True)
    contexts = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    assert loop.run_until_complete(main()) == ["Task exception was never retrieved"]


def test_debug_mode_is_off_unless_it_is_asked_for(loop):
    assert loop.get_debug() is False
    loop.set_debug(True)
    assert loop.get_debug() is True


@pytest.mark.parametrize("spec", ["asyncio.SelectorEventLoop", "mainspring.new_event_loop"])
@pytest.mark.parametrize(
    ("options", "environment", "is_debug"),
    [
        ((), {}, False),
        (("-X", "dev"), {}, True),
        ((), {"PYTHONASYNCIODEBUG": "1"}, True),
        ((), {"PYTHONDEVMODE": "1"}, True),
        (("-E",), {"PYTHONASYNCIODEBUG": "1"}, False),
    ],
    ids=["plain", "-X-dev", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "-E"],
)
def test_the_interpreter_and_the_environment_switch_debug_mode_on(
    spec, options, environment, is_debug
):
    program = f"""
import sys; sys.path[:] = {sys.path!r}
import asyncio, mainspring
loop = {spec}()
print(loop.get_debug())
loop.close()
"""
    plain = {"PYTHONASYNCIODEBUG": "", "PYTHONDEVMODE": ""}
    code, output, errors = run_program(program, options=options, **(plain | environment))
    assert (code, output.strip(), errors) == (0, str(is_debug), "")


@pytest.mark.parametrize("debug", [False, True])
def test_asyncio_run_sets_debug_mode(new_loop, debug):
    async def main():
        return asyncio.get_running_loop().get_debug()

    assert asyncio.run(main(), debug=debug, loop_factory=new_loop) is debug


def test_a_coroutine_that_was_never_awaited_is_told_with_the_line_that_made_it(loop):
    async def main():
        coroutine_function()

    loop.set_debug(True)
    with pytest.warns(RuntimeWarning, match="was never awaited") as caught:
        loop.run_until_complete(main())
    text = str(caught[0].message)
    assert "Coroutine created at (most recent call last)" in text
    assert f'File "{__file__}"' in text
    assert "    coroutine_function()" in text


def test_without_debug_mode_a_coroutine_that_was_never_awaited_is_told_by_name_only(loop):
    async def main():
        coroutine_function()

    with pytest.warns(RuntimeWarning, match="'coroutine_function' was never awaited") as caught:
        loop.run_until_complete(main())
    assert "created at" not in str(caught[0].message)


def test_what_is_slow_can_be_changed_while_the_loop_runs(loop, caplog):
    def change():
        loop.slow_callback_duration = 0
        loop.call_soon(work)

    loop.set_debug(True)
    loop.slow_callback_duration = 3600
    loop.call_soon(change)
    run_ready(loop)
    assert not any("work()" in text for text in warnings_of(caplog))
    run_ready(loop)
    assert any("work()" in text for text in warnings_of(caplog))
