"""A plain function that `run` was given: Ctrl-C, signals, and what comes out of the loop."""

import _thread
import asyncio
import os
import signal
import socket as stdlib

import pytest

import mainspring
from mainspring.green import BlockingSwitchOutError, await_, sleep, socket, spawn
from tests.green.helpers import never, turns
from tests.threads import from_a_thread

ALARM = signal.SIGUSR1


class Alarm(Exception):
    """What the handler of these tests raises."""


def ring(*_):
    raise Alarm


@pytest.fixture(autouse=True)
def _handlers():
    before = {sig: signal.getsignal(sig) for sig in (ALARM, signal.SIGINT)}
    signal.signal(ALARM, ring)
    yield
    for sig, handler in before.items():
        signal.signal(sig, handler)


def send_soon(sig):
    """Has a signal come while the loop waits: no Python function of this thread runs then."""
    # Both are called by the loop itself, and are C.
    asyncio.get_running_loop().call_soon(_thread.start_new_thread, os.kill, (os.getpid(), sig))


def test_what_a_handler_raises_is_raised_where_the_main_function_waits():
    def main():
        send_soon(ALARM)
        with pytest.raises(Alarm):
            await_(never())
        turns()
        return "goes on"

    assert mainspring.run(main) == "goes on"


def test_what_a_handler_raises_and_nobody_catches_comes_out_of_run():
    ended = []

    def main():
        send_soon(ALARM)
        try:
            await_(never())
        finally:
            turns()
            ended.append(True)

    with pytest.raises(Alarm):
        mainspring.run(main)
    assert ended == [True]


def test_others_go_on_when_a_handler_raises():
    def other():
        await_(go_on)
        return "done"

    def main():
        nonlocal go_on
        go_on = never()
        thread = spawn(other)
        send_soon(ALARM)
        with pytest.raises(Alarm):
            await_(never())
        go_on.set_result(None)
        return thread.get()

    go_on = None
    assert mainspring.run(main) == "done"


def test_a_handler_may_raise_again_and_again():
    def main():
        for _ in range(3):
            send_soon(ALARM)
            with pytest.raises(Alarm):
                sleep(1000)

    mainspring.run(main)


def test_a_socket_is_none_the_worse_for_a_handler_that_raised_while_it_waited():
    def main():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            send_soon(ALARM)
            with pytest.raises(Alarm):
                ours.recv(10)
            theirs.send(b"later")
            return ours.recv(10)

    assert mainspring.run(main) == b"later"


def test_ctrl_c_is_a_keyboard_interrupt_where_the_main_function_waits():
    def main():
        send_soon(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            await_(never())
        send_soon(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            sleep(1000)
        return "goes on"

    assert mainspring.run(main) == "goes on"


def test_a_ctrl_c_that_nobody_catches_comes_out_of_run_and_the_others_are_cancelled():
    def other():
        try:
            await_(never())
        finally:
            ended.append("other")

    def main():
        spawn(other)
        send_soon(signal.SIGINT)
        try:
            await_(never())
        finally:
            ended.append("main")

    ended = []
    with pytest.raises(KeyboardInterrupt):
        mainspring.run(main)
    assert ended == ["main", "other"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_passes_by_the_green_thread_that_runs():
    def other():
        signal.raise_signal(signal.SIGINT)
        return "not interrupted"

    def main():
        thread = spawn(other)
        with pytest.raises(KeyboardInterrupt):
            await_(never())
        return thread.get()

    assert mainspring.run(main) == "not interrupted"


def test_ctrl_c_while_the_main_function_runs_is_raised_there():
    def main():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        turns()
        return "goes on"

    assert mainspring.run(main) == "goes on"


def test_a_second_ctrl_c_comes_out_of_run_when_what_main_waits_for_does_not_end():
    async def stubborn():
        try:
            await never()
        finally:
            # Cancelled by the first, it takes its time.
            signal.raise_signal(signal.SIGINT)

    def main():
        send_soon(signal.SIGINT)
        with pytest.raises(asyncio.CancelledError):
            await_(asyncio.create_task(stubborn()))
        ended.append("with the run")

    ended = []
    with pytest.raises(KeyboardInterrupt):
        mainspring.run(main)
    assert ended == ["with the run"]


def test_a_system_exit_of_another_task_is_raised_in_the_main_function():
    def other():
        raise SystemExit(3)

    def main():
        spawn(other)
        try:
            await_(never())
        finally:
            turns()
            ended.append(True)

    ended = []
    with pytest.raises(SystemExit, match="3"):
        mainspring.run(main)
    assert ended == [True]


def test_a_ctrl_c_that_came_with_a_cancellation_is_not_lost():
    def other(main_task):
        main_task.cancel()
        signal.raise_signal(signal.SIGINT)

    def main():
        spawn(other, asyncio.current_task())
        with pytest.raises(asyncio.CancelledError):
            await_(never())

    with pytest.raises(KeyboardInterrupt):
        mainspring.run(main)


def test_a_programs_own_handler_of_ctrl_c_stays():
    def main():
        assert signal.getsignal(signal.SIGINT) is ring
        send_soon(signal.SIGINT)
        with pytest.raises(Alarm):
            await_(never())

    signal.signal(signal.SIGINT, ring)
    mainspring.run(main)
    assert signal.getsignal(signal.SIGINT) is ring


def test_ctrl_c_cancels_a_coroutine_as_asyncio_has_it():
    async def main():
        send_soon(signal.SIGINT)
        with pytest.raises(asyncio.CancelledError):
            await never()
        raise asyncio.CancelledError

    with pytest.raises(KeyboardInterrupt):
        mainspring.run(main)


def test_a_loop_that_is_stopped_under_the_main_function_is_an_error():
    def main():
        asyncio.get_running_loop().stop()
        await_(never())

    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        mainspring.run(main)


def test_in_another_thread_a_system_exit_is_raised_in_the_main_function_too():
    def other():
        raise SystemExit(4)

    def main():
        spawn(other)
        with pytest.raises(SystemExit, match="4"):
            await_(never())
        return "goes on"

    assert from_a_thread(mainspring.run, main) == "goes on"


def test_the_exception_is_freed_with_the_run():
    class Freed(Exception):
        def __del__(self):
            freed.append(True)

    def raise_it(*_):
        raise Freed

    def main():
        send_soon(ALARM)
        with stdlib.socket() as unused:
            try:
                await_(never())
            except Freed:
                return unused.family
        return None

    freed = []
    signal.signal(ALARM, raise_it)
    assert mainspring.run(main) == stdlib.AF_INET
    assert freed == [True]


def test_a_handler_that_would_wait_while_the_loop_waits_is_refused():
    def main():
        send_soon(ALARM)
        with pytest.raises(BlockingSwitchOutError):
            await_(never())
        return "goes on"

    signal.signal(ALARM, lambda *_: await_(never()))
    assert mainspring.run(main) == "goes on"
