"""Running, stopping and closing: asyncio's idioms hold on both loops."""

import asyncio
import signal
import sys
import textwrap
import threading

import pytest

from tests.loop.helpers import run_program, run_ready
from tests.threads import from_a_thread


async def value_of(value):
    return value


def test_a_stop_that_is_queued_ends_the_run(loop):
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert not loop.is_running()


def test_a_stop_before_the_run_lets_what_is_queued_run_once(loop):
    ran = []
    loop.call_soon(lambda: (ran.append(1), loop.call_soon(ran.append, 2)))
    loop.stop()
    loop.run_forever()
    assert ran == [1]


def test_what_was_queued_with_the_stop_runs_and_what_it_adds_does_not(loop):
    ran = []
    loop.call_soon(ran.append, "before")
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: (ran.append("behind"), loop.call_soon(ran.append, "added")))
    loop.run_forever()
    assert ran == ["before", "behind"]


def test_what_a_stop_left_runs_in_the_next_run(loop):
    ran = []
    loop.call_soon(lambda: (loop.stop(), loop.call_soon(ran.append, "left")))
    loop.run_forever()
    assert ran == []
    run_ready(loop)
    assert ran == ["left"]


def test_io_that_is_ready_joins_the_run_that_a_stop_ends(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], seen.append, "io")
    run_ready(loop)
    loop.remove_reader(pair[0])
    assert seen == ["io"]


def test_run_until_complete_returns_the_result(loop):
    assert loop.run_until_complete(value_of(5)) == 5


def test_run_until_complete_takes_a_future(loop):
    future = loop.create_future()
    loop.call_soon(future.set_result, "done")
    assert loop.run_until_complete(future) == "done"
    assert loop.run_until_complete(future) == "done"


def test_run_until_complete_raises_what_the_coroutine_raises(loop):
    async def fail():
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        loop.run_until_complete(fail())
    assert loop.run_until_complete(value_of(1)) == 1


def test_run_until_complete_raises_when_the_loop_stops_before(loop):
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match=r"Event loop stopped before Future completed\."):
        loop.run_until_complete(future)


def test_run_until_complete_that_was_stopped_leaves_no_callback_on_the_future(loop):
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before"):
        loop.run_until_complete(future)
    ran = []
    future.set_result(None)
    loop.call_soon(lambda: loop.call_soon(lambda: (ran.append(1), loop.stop())))
    loop.run_forever()
    assert ran == [1]


def test_run_until_complete_refuses_a_future_of_another_loop(loop, new_loop):
    other = new_loop()
    try:
        future = other.create_future()
        with pytest.raises(ValueError, match="different loop"):
            loop.run_until_complete(future)
    finally:
        other.close()


@pytest.mark.parametrize("wrong", [None, 5, print])
def test_run_until_complete_refuses_what_can_not_be_awaited(loop, wrong):
    with pytest.raises(TypeError):
        loop.run_until_complete(wrong)


def test_run_until_complete_raises_cancelled_error_for_a_task_that_was_cancelled(loop):
    async def wait():
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(wait())


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_exception_that_ends_the_program_comes_out_of_run_forever(loop, ending):
    def end():
        raise ending

    loop.call_soon(end)
    with pytest.raises(ending):
        loop.run_forever()
    assert not loop.is_running()
    assert loop.run_until_complete(value_of(1)) == 1


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_exception_that_ends_the_program_comes_out_of_a_task_too(loop, ending):
    async def end():
        raise ending

    with pytest.raises(ending):
        loop.run_until_complete(end())
    assert not loop.is_running()


def test_what_an_exception_left_runs_in_the_next_run(loop):
    def end():
        raise KeyboardInterrupt

    ran = []
    loop.call_soon(end)
    loop.call_soon(ran.append, "left")
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    run_ready(loop)
    assert ran == ["left"]


def test_the_running_loop_is_known_inside_and_not_after(loop):
    seen = []
    loop.call_soon(lambda: seen.append((asyncio.get_running_loop(), loop.is_running())))
    run_ready(loop)
    assert seen == [(loop, True)]
    assert not loop.is_running()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.mark.parametrize("call", ["run_forever", "run_until_complete"])
def test_a_running_loop_can_not_be_run_again(loop, call):
    async def nested():
        coroutine = value_of(1)
        try:
            getattr(loop, call)(*([coroutine] if call == "run_until_complete" else []))
        finally:
            coroutine.close()

    with pytest.raises(RuntimeError, match="This event loop is already running"):
        loop.run_until_complete(nested())


@pytest.mark.parametrize("call", ["run_forever", "run_until_complete"])
def test_a_loop_can_not_run_inside_another(loop, new_loop, call):
    other = new_loop()

    async def nested():
        coroutine = value_of(1)
        try:
            getattr(other, call)(*([coroutine] if call == "run_until_complete" else []))
        finally:
            coroutine.close()

    try:
        with pytest.raises(RuntimeError, match="while another loop is running"):
            loop.run_until_complete(nested())
    finally:
        other.close()


def test_a_loop_runs_in_any_thread(loop):
    assert from_a_thread(loop.run_until_complete, value_of(5)) == 5


def test_a_loop_that_runs_in_another_thread_is_running_here_too(loop):
    started = threading.Event()
    loop.call_soon(started.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started.wait()
    try:
        assert loop.is_running()
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_forever()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    assert not loop.is_running()


def test_a_running_loop_refuses_to_close(loop):
    async def close():
        loop.close()

    with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
        loop.run_until_complete(close())
    assert not loop.is_closed()


def test_a_loop_can_be_closed_twice(loop):
    loop.close()
    loop.close()
    assert loop.is_closed()


def call_of(name):
    """Returns a call of a loop's method with arguments that would do."""
    arguments = {
        "call_later": (0, print),
        "call_at": (0, print),
        "run_in_executor": (None, print),
        "run_forever": (),
        "add_reader": (0, print),
        "add_writer": (0, print),
        "add_signal_handler": (10, print),
    }.get(name, (print,))
    return lambda loop: getattr(loop, name)(*arguments)


@pytest.mark.parametrize(
    "name",
    [
        "call_soon",
        "call_soon_threadsafe",
        "call_later",
        "call_at",
        "run_in_executor",
        "run_forever",
        "add_reader",
        "add_writer",
        "add_signal_handler",
    ],
)
def test_a_closed_loop_refuses_whatever_would_need_it(loop, name):
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        call_of(name)(loop)


@pytest.mark.parametrize("name", ["create_task", "run_until_complete"])
def test_a_closed_loop_refuses_coroutines(loop, name):
    loop.close()
    coroutine = value_of(1)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        getattr(loop, name)(coroutine)
    coroutine.close()


def test_a_closed_loop_of_ours_refuses_its_own_calls_too(ours):
    ours.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        ours.call_idle(print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        ours.step()


def test_removing_from_a_closed_loop_removes_nothing(loop, pair):
    loop.add_reader(pair[0], print)
    loop.close()
    assert loop.remove_reader(pair[0]) is False
    assert loop.remove_writer(pair[0]) is False


def test_what_is_queued_at_close_never_runs(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    loop.call_later(0, ran.append, 2)
    loop.close()
    assert ran == []


def test_the_repr_tells_the_state(loop):
    assert repr(loop).endswith(" running=False closed=False debug=False>")
    loop.set_debug(True)
    loop.close()
    assert repr(loop).endswith(" running=False closed=True debug=True>")


def test_time_never_goes_back(loop):
    times = [loop.time() for _ in range(1000)]
    assert times == sorted(times)


def test_a_run_gives_the_hooks_of_the_thread_back(loop):
    hooks = sys.get_asyncgen_hooks()
    seen = []
    loop.call_soon(lambda: seen.append(sys.get_asyncgen_hooks()))
    run_ready(loop)
    assert seen[0] != hooks
    assert sys.get_asyncgen_hooks() == hooks


def test_asyncio_run_takes_the_loop(new_loop):
    async def main():
        return type(asyncio.get_running_loop())

    made = new_loop()
    made.close()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(main()) is type(made)


def test_a_callback_that_fails_does_not_end_the_run(loop):
    ran, reported = [], []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(ran.append, 1)
    run_ready(loop)
    assert ran == [1]
    assert isinstance(reported[0], ZeroDivisionError)


def test_a_single_step_is_refused_while_the_loop_runs(ours):
    async def main():
        ours.step()

    with pytest.raises(RuntimeError, match="already running"):
        ours.run_until_complete(main())


def test_a_loop_in_use_keeps_nothing_in_its_instance_dictionary(ours):
    async def main():
        ours.add_signal_handler(signal.SIGUSR1, print)
        await asyncio.to_thread(len, "")

    ours.set_debug(True)
    ours.set_task_factory(asyncio.eager_task_factory)
    ours.set_exception_handler(lambda loop, context: None)
    ours.run_until_complete(main())
    ours.run_until_complete(ours.shutdown_asyncgens())
    ours.run_until_complete(ours.shutdown_default_executor())
    assert vars(ours) == {}


@pytest.mark.parametrize("factory", ["asyncio.SelectorEventLoop", "mainspring.new_event_loop"])
def test_a_loop_that_is_freed_after_its_modules_is_freed_in_silence(factory):
    program = f"""
        import asyncio, mainspring, sys, warnings

        warnings.simplefilter("ignore", ResourceWarning)

        class Kept:
            pass

        loop = {factory}()
        loop.run_until_complete(asyncio.sleep(0))
        sys.kept = Kept()
        sys.kept.loop, sys.kept.itself = loop, sys.kept
        """
    assert run_program(textwrap.dedent(program)) == (0, "", "")
