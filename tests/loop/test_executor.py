"""Blocking calls in threads, and their orderly end."""

import asyncio
import concurrent.futures
import contextvars
import socket
import threading

import pytest

from mainspring import Priority, set_priority
from tests.loop.helpers import run_program
from tests.threads import from_a_thread


class Manual(concurrent.futures.Executor):
    """Runs nothing: what was submitted is ended by the test."""

    def __init__(self):
        self.submitted = []

    def submit(self, fn, /, *args, **kwargs):
        self.submitted.append(concurrent.futures.Future())
        return self.submitted[-1]


@pytest.fixture
def loop(loop):
    yield loop
    if not loop.is_closed():
        loop.run_until_complete(loop.shutdown_default_executor())


def fail():
    raise LookupError("lost")


def test_a_function_runs_in_another_thread(loop):
    future = loop.run_in_executor(None, threading.get_ident)
    assert loop.run_until_complete(future) != threading.get_ident()


def test_a_function_gets_its_arguments(loop):
    assert loop.run_until_complete(loop.run_in_executor(None, divmod, 7, 2)) == (3, 1)


def test_an_exception_comes_out_of_the_future(loop):
    with pytest.raises(LookupError, match="lost"):
        loop.run_until_complete(loop.run_in_executor(None, fail))


def test_the_loop_goes_on_while_the_function_blocks(loop):
    async def main():
        future = loop.run_in_executor(None, let_go.wait)
        await asyncio.sleep(0)
        let_go.set()
        return await future

    let_go = threading.Event()
    assert loop.run_until_complete(main()) is True


def test_an_executor_that_is_given_is_used(loop):
    with concurrent.futures.ThreadPoolExecutor(1, "given") as executor:
        future = loop.run_in_executor(executor, lambda: threading.current_thread().name)
        assert loop.run_until_complete(future).startswith("given")


def test_the_default_executor_can_be_set(loop):
    executor = concurrent.futures.ThreadPoolExecutor(1, "default")
    loop.set_default_executor(executor)
    future = loop.run_in_executor(None, lambda: threading.current_thread().name)
    assert loop.run_until_complete(future).startswith("default")


@pytest.mark.parametrize("wrong", [None, object(), 5])
def test_a_default_executor_of_another_kind_is_refused(loop, wrong):
    with pytest.raises(TypeError, match="executor must be"):
        loop.set_default_executor(wrong)


def test_the_threads_are_named_after_asyncio(loop):
    future = loop.run_in_executor(None, lambda: threading.current_thread().name)
    assert loop.run_until_complete(future).startswith("asyncio")


def test_to_thread_takes_the_context_along(loop):
    variable = contextvars.ContextVar("variable")

    async def main():
        variable.set("along")
        return await asyncio.to_thread(variable.get)

    assert loop.run_until_complete(main()) == "along"


def test_a_shut_executor_lets_no_new_work_in(loop):
    loop.run_until_complete(loop.shutdown_default_executor())
    with pytest.raises(RuntimeError, match="Executor shutdown has been called"):
        loop.run_in_executor(None, fail)


def test_the_shutdown_waits_for_what_runs(loop):
    async def main():
        loop.run_in_executor(None, work)
        started.wait()
        loop.call_soon(let_go.set)
        await loop.shutdown_default_executor()

    def work():
        started.set()
        let_go.wait()
        done.append(1)

    started, let_go, done = threading.Event(), threading.Event(), []
    loop.run_until_complete(main())
    assert done == [1]


def test_a_shutdown_that_takes_too_long_warns_and_goes_on(ours):
    # On our loop only: asyncio's own waits without end in the first releases of 3.12.
    loop = ours
    started, let_go = threading.Event(), threading.Event()

    def work():
        started.set()
        let_go.wait()

    future = loop.run_in_executor(None, work)
    started.wait()
    try:
        with pytest.warns(RuntimeWarning, match="did not finish"):
            loop.run_until_complete(loop.shutdown_default_executor(timeout=0.01))
    finally:
        let_go.set()
    loop.run_until_complete(future)


def test_a_shutdown_of_nothing_ends_at_once(loop):
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.run_until_complete(loop.shutdown_default_executor())


def test_a_cancelled_call_that_has_not_begun_never_runs(loop):
    started, let_go, ran = threading.Event(), threading.Event(), []

    def block():
        started.set()
        let_go.wait()

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        first = loop.run_in_executor(executor, block)
        started.wait()
        second = loop.run_in_executor(executor, ran.append, 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(second)
        let_go.set()
        loop.run_until_complete(first)
    assert ran == []


def test_a_function_that_ends_after_the_close_does_no_harm(new_loop):
    loop = new_loop()
    started, let_go = threading.Event(), threading.Event()

    def work():
        started.set()
        let_go.wait()

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        future = loop.run_in_executor(executor, work)
        started.wait()
        loop.close()
        let_go.set()
    assert not future.done()


def test_what_can_not_be_called_is_refused_at_once(ours):
    with pytest.raises(TypeError, match="a callable object was expected by run_in_executor"):
        ours.run_in_executor(None, 5)


LITERALS = [
    ("127.0.0.1", 80),
    ("127.0.0.1", "80"),
    (b"127.0.0.1", b"80"),
    ("::1", 80),
    ("fe80::1%1", 80),
    (None, 80),
    ("127.0.0.1", None),
]


@pytest.mark.parametrize(("host", "port"), LITERALS)
def test_a_literal_address_is_answered_as_the_system_does(loop, host, port):
    found = loop.run_until_complete(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    assert found == socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@pytest.mark.parametrize(("host", "port"), LITERALS)
def test_a_literal_address_takes_no_thread(ours, monkeypatch, host, port):
    def refuse(*args):
        raise AssertionError("a literal address needs no look-up")

    monkeypatch.setattr(ours, "run_in_executor", refuse)
    assert ours.run_until_complete(ours.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def test_a_name_is_looked_up_in_a_thread(loop, monkeypatch):
    def look_up(*args):
        return [threading.get_ident(), args[0]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    thread, host = loop.run_until_complete(loop.getaddrinfo("a.name", 80))
    assert host == "a.name"
    assert thread != threading.get_ident()


def test_a_literal_of_the_wrong_family_is_an_error(loop):
    with pytest.raises(socket.gaierror):
        loop.run_until_complete(loop.getaddrinfo("::1", 80, family=socket.AF_INET))


def test_the_names_of_a_numeric_address_take_no_look_up(loop):
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    found = loop.run_until_complete(loop.getnameinfo(("127.0.0.1", 80), flags))
    assert found == ("127.0.0.1", "80")


@pytest.mark.parametrize("level", list(Priority))
def test_a_result_wakes_a_task_at_the_priority_of_the_task(bench, level):
    executor = Manual()

    async def call():
        await bench.loop.run_in_executor(executor, fail)
        bench.note("woken")

    def finish():
        from_a_thread(executor.submitted[0].set_result, None)
        # What it is to be woken before or after is queued already, whatever its level.
        for mark in Priority:
            bench.loop.call_soon(bench.note, mark, priority=mark)

    task = bench.loop.create_task(call())
    set_priority(task, level)
    bench.step()
    bench.loop.call_soon(finish, priority=Priority.URGENT)
    while not task.done():
        bench.step()
    # Of its own level it is the last: it was queued when the loop saw the result.
    assert bench.ran.index("woken") == list(Priority).index(level) + 1


def test_without_priorities_a_result_comes_in_asyncios_order():
    """In a process of its own, since a priority that was named once stays named."""
    program = """
import asyncio, threading, sys
from concurrent.futures import Future, Executor
import mainspring

class Manual(Executor):
    def submit(self, fn, /, *args, **kwargs):
        return source

async def main():
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(Manual(), print)
    future.add_done_callback(lambda _: order.append("result"))
    def finish():
        thread = threading.Thread(target=source.set_result, args=(None,))
        thread.start()
        thread.join()
        for name in range(3):
            loop.call_soon(order.append, name)
    loop.call_soon(finish)
    await future
    await asyncio.sleep(0)

for new_loop in (asyncio.SelectorEventLoop, mainspring.new_event_loop):
    order, source = [], Future()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    print(order)
"""
    code, output, errors = run_program(program)
    assert (code, errors) == (0, "")
    asyncios, ours = output.splitlines()
    assert ours == asyncios


def test_an_executor_may_return_a_future_of_its_own_kind(loop):
    class Own(concurrent.futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = loop.create_future()
            future.set_result(fn(*args))
            return future

    assert loop.run_until_complete(loop.run_in_executor(Own(), divmod, 7, 2)) == (3, 1)
