"""A green thread waits for what executors do, and the loop goes on meanwhile."""

import asyncio
import threading
from concurrent import futures

import pytest

from mainspring.green import await_, spawn
from mainspring.green.patching import futures as patched
from tests.green.helpers import turns


@pytest.fixture(autouse=True)
def installed():
    patched.install()
    yield
    patched.remove()
    assert futures.Future.result.__module__ == "concurrent.futures._base"


@pytest.fixture
def executor():
    with futures.ThreadPoolExecutor(3) as executor:
        yield executor


def test_the_loop_runs_while_a_green_thread_waits_for_a_result(run, executor):
    def main():
        may_end = threading.Event()
        waiter = spawn(lambda: executor.submit(may_end.wait).result())
        turns()
        may_end.set()
        return waiter.get()

    assert run(main) is True


def test_an_exception_comes_as_it_is(run, executor):
    def main():
        future = executor.submit(int, "x")
        assert isinstance(future.exception(), ValueError)
        future.result()

    with pytest.raises(ValueError, match="'x'"):
        run(main)


def test_the_end_of_the_time_is_a_timeout_and_the_work_goes_on(run, executor):
    def main():
        may_end = threading.Event()
        future = executor.submit(may_end.wait)
        with pytest.raises(TimeoutError):
            future.result(timeout=0)
        may_end.set()
        return future.result()

    assert run(main) is True


def test_futures_come_as_they_end(run):
    def main():
        first, second = futures.Future(), futures.Future()
        second.set_result("second")
        asyncio.get_running_loop().call_soon(first.set_result, "first")
        return [each.result() for each in futures.as_completed([first, second])]

    assert run(main) == ["second", "first"]


def test_what_has_not_ended_in_time_is_counted(run):
    def main():
        list(futures.as_completed([futures.Future()], timeout=0))

    with pytest.raises(TimeoutError, match=r"1 \(of 1\)"):
        run(main)


@pytest.mark.parametrize(
    ("return_when", "count"),
    [
        (futures.FIRST_COMPLETED, 1),
        (futures.FIRST_EXCEPTION, 2),
        (futures.ALL_COMPLETED, 3),
    ],
)
def test_wait_ends_when_it_was_asked_to(run, return_when, count):
    def main():
        several = [futures.Future() for _ in range(3)]
        call_soon = asyncio.get_running_loop().call_soon

        def end(left):
            future = several[-left]
            future.set_exception(OSError()) if left == 2 else future.set_result(left)
            if left > 1:
                call_soon(lambda: call_soon(lambda: call_soon(end, left - 1)))

        call_soon(end, 3)
        return len(futures.wait(several, return_when=return_when).done)

    assert run(main) == count


def test_leaving_a_pool_lets_the_loop_run_until_its_threads_have_ended(run):
    def main():
        may_end = threading.Event()

        def use():
            with futures.ThreadPoolExecutor(1) as executor:
                executor.submit(may_end.wait)

        user = spawn(use)
        turns()
        may_end.set()
        user.join()
        return [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]

    assert run(main) == []


def test_a_worker_may_wait_for_the_loop_that_its_green_thread_waits_on(run, executor):
    async def answer():
        await asyncio.sleep(0)
        return "answer"

    def main():
        loop = asyncio.get_running_loop()
        ask = asyncio.run_coroutine_threadsafe
        return executor.submit(lambda: ask(answer(), loop).result()).result()

    assert run(main) == "answer"


def test_elsewhere_a_future_is_waited_for_as_always(executor):
    assert executor.submit(pow, 2, 3).result() == 8
    future = executor.submit(pow, 2, 3)
    assert futures.wait([future]).done == {future}
    assert list(futures.as_completed([future])) == [future]


def test_awaiting_it_still_works(run, executor):
    assert run(lambda: await_(executor.submit(pow, 2, 3))) == 8
