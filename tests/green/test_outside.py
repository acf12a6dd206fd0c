"""Waiting where no green call runs: in OS threads, and in the loop's own thread."""

import asyncio
import concurrent.futures
import contextvars
import threading

import pytest

import mainspring
from mainspring.green import (
    BlockingSwitchOutError,
    await_,
    checkpoint,
    from_thread,
    green,
    sleep,
    spawn,
)
from tests.green.helpers import never, soon
from tests.loop.helpers import run_program

number = contextvars.ContextVar("number", default=0)


async def plus_one(value):
    await asyncio.sleep(0)
    return value + 1


def in_thread(function, *args):
    """Runs a function in an OS thread that works for no loop; returns or raises its outcome."""
    outcome = concurrent.futures.Future()

    def work():
        try:
            outcome.set_result(function(*args))
        except BaseException as exc:
            outcome.set_exception(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return outcome.result()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: await_(plus_one(1)), r"await_\(\) was called .* use `await`"),
        (lambda: sleep(0), r"sleep\(\) was called .* use `await asyncio\.sleep\(\)`"),
        (checkpoint, r"checkpoint\(\) was called .* use `await mainspring\.checkpoint\(\)`"),
        (lambda: from_thread(print), r"from_thread\(\) was called"),
    ],
    ids=["await_", "sleep", "checkpoint", "from_thread"],
)
@pytest.mark.parametrize("where", ["coroutine", "callback"])
def test_what_would_stop_the_loop_raises_and_says_what_to_use(run, where, call, named):
    async def main():
        if where == "coroutine":
            call()
            return
        end = never()

        def callback():
            try:
                call()
            except BaseException as exc:
                end.set_exception(exc)

        asyncio.get_running_loop().call_soon(callback)
        await end

    with pytest.raises(BlockingSwitchOutError, match=named):
        run(main)


def test_an_os_thread_without_a_loop_is_served_by_the_background_loop():
    async def where():
        return threading.current_thread().name

    assert await_(where()) == "mainspring-background"
    assert in_thread(lambda: await_(where())) == "mainspring-background"
    assert await_(plus_one(1)) == 2


def test_a_worker_thread_is_served_by_the_loop_that_it_works_for(run):
    async def where():
        return asyncio.get_running_loop()

    async def main():
        served_by = await asyncio.to_thread(lambda: await_(where()))
        return served_by is asyncio.get_running_loop()

    assert mainspring.run(main)


def test_an_idle_function_waits_on_the_loop_whose_idle_thread_it_is_in():
    async def where():
        return asyncio.get_running_loop()

    async def main():
        loop = asyncio.get_running_loop()
        return await loop.run_idle(lambda: await_(where())) is loop

    assert mainspring.run(main)


def test_a_thread_waits_for_a_future_on_the_futures_own_loop(run):
    async def main():
        future = never()
        waiting = threading.Event()

        def wait():
            waiting.set()
            return await_(future)

        worker = asyncio.get_running_loop().run_in_executor(None, wait)
        while not waiting.is_set():
            await asyncio.sleep(0)
        future.set_result("there")
        return await worker

    assert run(main) == "there"


def test_a_thread_waits_for_another_threads_future():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert await_(pool.submit(lambda: 3)) == 3


def test_a_green_thread_waits_for_another_threads_future(run):
    def main():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return await_(pool.submit(lambda: 3))

    assert run(main) == 3


def test_a_thread_gets_the_exception():
    async def fail():
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        await_(fail())


def test_a_thread_runs_a_generator_of_futures():
    def work():
        one = yield plus_one(1)
        return one + (yield plus_one(1))

    assert await_(work()) == 4


def test_what_cannot_be_awaited_is_refused_by_name(run):
    with pytest.raises(TypeError, match="got 7"):
        await_(7)

    def main():
        with pytest.raises(TypeError, match="got 7"):
            await_(7)

    run(main)


def test_a_task_that_is_cancelled_is_cancelled_for_the_thread_too():
    async def cancel_itself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await_(cancel_itself())


def test_from_thread_calls_a_plain_function_as_a_green_thread_of_the_loop():
    def inside(value):
        return await_(plus_one(value)), threading.current_thread() is threading.main_thread()

    async def main():
        return await asyncio.to_thread(from_thread, inside, 1)

    assert mainspring.run(main) == (2, True)


def test_from_thread_calls_a_coroutine_function_in_the_threads_context():
    async def inside():
        return number.get()

    async def main():
        number.set(6)
        return await asyncio.to_thread(from_thread, inside)

    assert mainspring.run(main) == 6


def test_from_thread_takes_a_loop():
    def main():
        loop = asyncio.get_running_loop()

        async def where():
            return asyncio.get_running_loop() is loop

        def work():
            return from_thread(where, loop=loop)

        return await_(loop.run_in_executor(None, in_thread, work))

    assert mainspring.run(main)


def test_who_waits_for_a_loop_that_is_closed_gets_an_error():
    loop = mainspring.new_event_loop()
    started = threading.Event()

    async def stay():
        started.set()
        await never()

    def wait():
        with pytest.raises(RuntimeError, match="was closed while a thread waited for"):
            from_thread(stay, loop=loop)
        return "told"

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(wait)
        loop.call_soon(lambda: None)
        while not started.is_set():
            loop.step(may_sleep=True)
        for task in asyncio.all_tasks(loop):
            # Or it would be reported as destroyed.
            task._log_destroy_pending = False
        loop.close()
        assert waiter.result() == "told"
        with pytest.raises(RuntimeError, match="closed"):
            pool.submit(from_thread, print, loop=loop).result()


def test_sleep_in_a_thread_blocks_that_thread_only(run):
    async def main():
        worker = asyncio.get_running_loop().run_in_executor(None, sleep, 0.01)
        turns = 0
        while not worker.done():
            await asyncio.sleep(0)
            turns += 1
        return turns > 1

    assert run(main)


def test_a_child_process_begins_with_no_background_loop():
    code, out, err = run_program(
        """
import asyncio, os
from mainspring.green import await_
assert await_(asyncio.sleep(0, 1)) == 1
child = os.fork()
if child == 0:
    os._exit(await_(asyncio.sleep(0, 7)))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
        options=("-W", "ignore::DeprecationWarning"),
    )
    assert (code, out.strip(), err) == (0, "7", "")


def test_the_interpreter_ends_with_the_background_loop_at_work():
    code, out, err = run_program(
        """
import asyncio, threading
from mainspring.green import await_, from_thread
def work():
    try:
        await_(asyncio.sleep(600))
    except BaseException as exc:
        print(type(exc).__name__)
async def start():
    asyncio.create_task(asyncio.sleep(600))
await_(start())
thread = threading.Thread(target=work, daemon=True)
thread.start()
await_(asyncio.sleep(0))
print("end")
"""
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "end"


def test_a_keyboard_interrupt_in_a_waiting_thread_cancels_the_work():
    code, out, err = run_program(
        """
import asyncio, os, signal, threading
from mainspring.green import await_
seen = []
async def work():
    os.kill(os.getpid(), signal.SIGINT)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        seen.append("cancelled")
        ended.set()
        raise
ended = threading.Event()
try:
    await_(work())
except KeyboardInterrupt:
    ended.wait()
    print(seen)
"""
    )
    assert (code, out.strip(), err) == (0, "['cancelled']", "")


def test_threads_that_end_leave_no_greenlet_behind():
    code, out, err = run_program(
        """
import gc, threading, greenlet, mainspring
from mainspring.green import spawn, sleep
def main():
    for thread in [spawn(sleep, 0) for _ in range(20)]:
        thread.join()
def work():
    mainspring.run(main)
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
del thread
greenlet.getcurrent()
gc.collect()
print([
    one for one in gc.get_objects()
    if isinstance(one, greenlet.greenlet) and one is not greenlet.getcurrent() and not one.dead
])
"""
    )
    assert (code, out.strip(), err) == (0, "[]", "")


def test_a_fork_in_a_green_thread_goes_on_in_both_processes():
    code, out, err = run_program(
        """
import asyncio, os, mainspring
from mainspring.green import await_
def main():
    child = os.fork()
    await_(asyncio.sleep(0.001))
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(mainspring.run(main))
"""
    )
    assert (code, out.strip(), err) == (0, "7", "")


def test_spawned_and_awaited_from_the_green_function_of_another(run):
    async def main():
        return await green(lambda: spawn(lambda: await_(soon(2))).get())

    assert run(main) == 2


def test_a_fork_in_a_worker_thread_leaves_the_child_without_the_loop_and_the_parent_goes_on():
    code, out, err = run_program(
        """
import asyncio, os, warnings
import mainspring
from mainspring.green import await_, spawn

def fork():
    # The child has this thread alone, and the loop in it is nobody's.
    warnings.simplefilter("ignore", DeprecationWarning)
    child = os.fork()
    if child == 0:
        result = mainspring.run(lambda: await_(asyncio.sleep(0, 7)))
        os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def main():
    other = spawn(lambda: await_(asyncio.sleep(0.001, "goes on")))
    return await_(asyncio.to_thread(fork)), other.get()

print(mainspring.run(main))
"""
    )
    assert (code, out.strip(), err) == (0, "(7, 'goes on')", "")
