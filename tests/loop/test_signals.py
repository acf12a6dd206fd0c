"""Unix signals: handlers run in the loop, soon, and Ctrl-C ends the run."""

import asyncio
import os
import signal
import threading

import pytest

from mainspring import Priority
from tests.loop.helpers import run_ready
from tests.threads import from_a_thread


def send(sig=signal.SIGUSR1):
    os.kill(os.getpid(), sig)


@pytest.fixture(autouse=True)
def _signals_as_before():
    signals = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT)
    before = {sig: signal.getsignal(sig) for sig in signals}
    yield
    for sig, handler in before.items():
        signal.signal(sig, handler)


def test_a_signal_runs_its_handler_in_the_loop(loop):
    seen = []

    def handler():
        seen.append(asyncio.get_running_loop())
        loop.stop()

    loop.add_signal_handler(signal.SIGUSR1, handler)
    loop.call_soon(send)
    loop.run_forever()
    assert seen == [loop]


def test_a_handler_gets_its_arguments(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, lambda *args: (seen.extend(args), loop.stop()), 1, "2")
    loop.call_soon(send)
    loop.run_forever()
    assert seen == [1, "2"]


def test_a_signal_ends_the_sleep_of_the_loop(loop):
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    thread = threading.Thread(target=send)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()


def test_a_thousand_signals_each_end_the_sleep(loop):
    def handler():
        seen.append(1)
        arrived.release()
        if len(seen) == 1000:
            loop.stop()

    def send_all():
        for _ in range(1000):
            send()
            # The next goes out only once the loop has nothing to do again.
            arrived.acquire()

    seen, arrived = [], threading.Semaphore(0)
    loop.add_signal_handler(signal.SIGUSR1, handler)
    thread = threading.Thread(target=send_all)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert len(seen) == 1000


def test_a_signal_that_came_before_the_run_is_handled_in_it(loop):
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    send()
    loop.run_forever()


def test_each_signal_has_its_own_handler(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    loop.add_signal_handler(signal.SIGUSR2, lambda: (seen.append(2), loop.stop()))
    loop.call_soon(send, signal.SIGUSR1)
    loop.call_later(0.01, send, signal.SIGUSR2)
    loop.run_forever()
    assert seen == [1, 2]


def test_a_second_handler_replaces_the_first(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "first")
    loop.add_signal_handler(signal.SIGUSR1, lambda: (seen.append("second"), loop.stop()))
    loop.call_soon(send)
    loop.run_forever()
    assert seen == ["second"]


def test_removing_a_handler_tells_whether_there_was_one(loop):
    loop.add_signal_handler(signal.SIGUSR1, print)
    assert loop.remove_signal_handler(signal.SIGUSR1) is True
    assert loop.remove_signal_handler(signal.SIGUSR1) is False


def test_a_removed_handler_leaves_the_default_behaviour(loop):
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.add_signal_handler(signal.SIGINT, print)
    loop.remove_signal_handler(signal.SIGUSR1)
    loop.remove_signal_handler(signal.SIGINT)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_closing_the_loop_removes_its_handlers(loop):
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_the_wake_up_fd_of_the_process_is_as_before_once_the_loop_is_closed(loop):
    loop.add_signal_handler(signal.SIGUSR1, print)
    run_ready(loop)
    loop.close()
    before = signal.set_wakeup_fd(-1)
    assert before == -1


def test_a_handler_that_fails_is_reported(loop):
    contexts = []
    loop.set_exception_handler(lambda _, context: (contexts.append(context), loop.stop()))
    loop.add_signal_handler(signal.SIGUSR1, lambda: 1 / 0)
    loop.call_soon(send)
    loop.run_forever()
    assert isinstance(contexts[0]["exception"], ZeroDivisionError)


@pytest.mark.parametrize("wrong", [5.5, "SIGUSR1", None])
def test_a_signal_that_is_not_a_number_is_refused(loop, wrong):
    with pytest.raises(TypeError, match="sig must be an int"):
        loop.add_signal_handler(wrong, print)
    with pytest.raises(TypeError, match="sig must be an int"):
        loop.remove_signal_handler(wrong)


@pytest.mark.parametrize("wrong", [0, -1, 1000])
def test_a_signal_that_does_not_exist_is_refused(loop, wrong):
    with pytest.raises(ValueError, match="invalid signal number"):
        loop.add_signal_handler(wrong, print)
    with pytest.raises(ValueError, match="invalid signal number"):
        loop.remove_signal_handler(wrong)


def test_a_signal_that_can_not_be_caught_is_refused(loop):
    with pytest.raises(RuntimeError, match="sig 9 cannot be caught"):
        loop.add_signal_handler(signal.SIGKILL, print)
    assert loop.remove_signal_handler(signal.SIGKILL) is False


def test_a_coroutine_function_is_refused(loop):
    async def handler():
        pass

    with pytest.raises(TypeError, match="coroutines cannot be used with add_signal_handler"):
        loop.add_signal_handler(signal.SIGUSR1, handler)


def test_only_the_main_thread_may_add_a_handler(loop):
    with pytest.raises((RuntimeError, ValueError), match="main thread"):
        from_a_thread(loop.add_signal_handler, signal.SIGUSR1, print)


def test_a_keyboard_interrupt_comes_out_of_run_forever(loop):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    loop.call_soon(send, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert not loop.is_running()


def test_a_loop_goes_on_after_a_keyboard_interrupt(loop):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ran = []
    loop.call_soon(send, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    loop.call_soon(ran.append, 1)
    run_ready(loop)
    assert ran == [1]


def test_ctrl_c_cancels_what_asyncio_runs(new_loop):
    async def main():
        try:
            loop = asyncio.get_running_loop()
            loop.call_soon(send, signal.SIGINT)
            await asyncio.Future()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    signal.signal(signal.SIGINT, signal.default_int_handler)
    ended = []
    with pytest.raises(KeyboardInterrupt), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert ended == ["cancelled"]


def test_a_handler_runs_before_default_work(ours):
    ran = []
    ours.add_signal_handler(signal.SIGUSR1, ran.append, "signal")
    ours.call_soon(send)
    for name in range(3):
        ours.call_soon(ran.append, name)
    run_ready(ours)
    assert ran == ["signal", 0, 1, 2]


def test_a_handler_has_the_priority_that_it_was_given(ours):
    ran = []
    ours.add_signal_handler(signal.SIGUSR1, ran.append, "signal", priority=Priority.LOW)
    ours.call_soon(send)
    ours.call_soon(ran.append, "high", priority=Priority.HIGH)
    ours.call_soon(ran.append, "default")
    for _ in range(3):
        ours.step()
    assert ran == ["high", "default", "signal"]


def test_a_handler_with_a_priority_that_does_not_exist_is_refused(ours):
    with pytest.raises(ValueError, match="9"):
        ours.add_signal_handler(signal.SIGUSR1, print, priority=9)
    assert ours.remove_signal_handler(signal.SIGUSR1) is False


def test_a_handler_that_can_not_be_called_is_refused(ours):
    with pytest.raises(TypeError, match="a callable object was expected"):
        ours.add_signal_handler(signal.SIGUSR1, 5)


def test_a_run_gives_the_wake_up_fd_back_to_whoever_had_it(ours, pair):
    previous = signal.set_wakeup_fd(pair[0].fileno())
    try:
        run_ready(ours)
        assert signal.set_wakeup_fd(previous) == pair[0].fileno()
    finally:
        signal.set_wakeup_fd(previous)


def test_whoever_had_the_wake_up_fd_before_the_run_gets_its_bytes_meanwhile(ours, pair):
    """Twisted's reactor knows by it that a child has ended."""
    reader, writer = pair
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        ours.add_signal_handler(signal.SIGUSR1, ours.stop)
        ours.add_reader(reader, ours.stop)
        ours.call_soon(send)
        ours.run_forever()
        assert reader.recv(10) == bytes([signal.SIGUSR1])
    finally:
        signal.set_wakeup_fd(before)


def test_a_wake_up_fd_that_was_set_during_the_run_stays(ours, pair):
    before = signal.set_wakeup_fd(-1)
    try:
        ours.call_soon(lambda: signal.set_wakeup_fd(pair[1].fileno(), warn_on_full_buffer=False))
        run_ready(ours)
        assert signal.set_wakeup_fd(-1) == pair[1].fileno()
    finally:
        signal.set_wakeup_fd(before)


def test_a_wake_up_fd_that_was_closed_during_the_run_is_not_set_again(ours):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        ours.call_soon(os.close, writer)
        run_ready(ours)
        assert signal.set_wakeup_fd(-1) == -1
        # Nor is a copy of it left open.
        assert os.read(reader, 1) == b""
    finally:
        signal.set_wakeup_fd(before)
        os.close(reader)


def test_a_keyboard_interrupt_ends_the_sleep_of_the_loop(ours):
    # asyncio's loop may miss one that comes between its last Python instruction and its sleep.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=send, args=(signal.SIGINT,))
    ours.call_soon(thread.start)
    with pytest.raises(KeyboardInterrupt):
        ours.run_forever()
    thread.join()


def test_a_keyboard_interrupt_reaches_a_loop_that_runs_compiled_callbacks_only(ours):
    # Neither callback comes by the place where the interpreter looks for signals by itself.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt_when_running():
        started.wait()
        send(signal.SIGINT)

    started = threading.Event()
    future = ours.create_future()
    ours.call_soon(started.set)
    thread = threading.Thread(target=interrupt_when_running)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ours.run_until_complete(future)
    thread.join()
