"""Forks: parent and child each go on with a loop of their own."""

import pytest

from tests.loop.helpers import FORK_AND_WAIT, run_program

HEAD = """
import asyncio, gc, os, signal, socket, sys, warnings
import mainspring
warnings.simplefilter("ignore", DeprecationWarning)

wait_for_process = os.waitpid
"""
HEAD += FORK_AND_WAIT
HEAD += """
loop = mainspring.new_event_loop()
loop.slow_callback_duration = 60  # forking takes as long as it takes
loop.run_until_complete(asyncio.sleep(0))
ours, theirs = socket.socketpair()
ours.setblocking(False)
heard = []

def listen():
    heard.append(ours.recv(10))
    loop.stop()
"""


def outcome(body, head=HEAD):
    code, output, errors = run_program(head + body + "\nloop.close(); ours.close(); theirs.close()")
    assert (code, errors) == (0, "")
    return output.split()


@pytest.mark.parametrize("child", ["loop.close", "lambda: loop.remove_reader(ours)"])
def test_what_a_child_ends_does_not_end_what_the_parent_watches(child):
    body = f"""
loop.add_reader(ours, listen)
print(fork_and_wait({child}))
theirs.send(b"x")
loop.run_forever()
print(heard)
"""
    assert outcome(body) == ["0", "[b'x']"]


def test_a_child_goes_on_with_what_the_loop_watched():
    body = """
def child():
    theirs.send(b"x")
    loop.run_forever()
    assert heard == [b"x"], heard

loop.add_reader(ours, listen)
print(fork_and_wait(child))
"""
    assert outcome(body) == ["0"]


def test_a_child_polls_while_it_is_busy_as_the_parent_does():
    # The child's own wake-up is made anew; that must not count as one watched fd less.
    body = """
def child():
    def busy():
        loop.call_soon(busy)
    loop.add_reader(ours, listen)
    theirs.send(b"x")
    loop.call_soon(busy)
    for _ in range(10):
        loop.step()
    assert heard == [b"x"], heard

print(fork_and_wait(child))
"""
    assert outcome(body) == ["0"]


def test_a_child_is_woken_by_its_own_threads_and_the_parent_is_not():
    body = """
def child():
    async def main():
        return await asyncio.to_thread(os.getpid)
    assert loop.run_until_complete(main()) == os.getpid()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()

print(fork_and_wait(child))
ran = []
loop.call_later(0.01, lambda: (ran.append("timer"), loop.stop()))
iterations = 0
while not ran:
    loop.step(may_sleep=True)
    iterations += 1
print(ran, iterations < 100)
"""
    assert outcome(body) == ["0", "['timer']", "True"]


def test_a_signal_of_the_child_leaves_no_byte_for_the_parent():
    body = """
def child():
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
    loop.run_forever()

print(fork_and_wait(child))
try:
    print(loop._signal_pair[0].recv(1, socket.MSG_PEEK))
except BlockingIOError:
    print("nothing")
"""
    assert outcome(body) == ["0", "nothing"]


def test_a_child_may_make_a_loop_of_its_own():
    body = """
def child():
    async def main():
        await asyncio.sleep(0)
        return "ran"
    assert mainspring.run(main()) == "ran"

loop.add_reader(ours, listen)
print(fork_and_wait(child))
theirs.send(b"x")
loop.run_forever()
print(heard)
"""
    assert outcome(body) == ["0", "[b'x']"]


def test_a_fork_inside_a_callback_leaves_the_parent_running():
    body = """
def fork():
    print(fork_and_wait(lambda: None))
    theirs.send(b"x")

loop.add_reader(ours, listen)
loop.call_soon(fork)
loop.run_forever()
print(heard)
"""
    assert outcome(body) == ["0", "[b'x']"]


def test_a_loop_that_was_closed_before_the_fork_does_no_harm():
    body = """
loop.close()
print(fork_and_wait(gc.collect))
"""
    assert outcome(body) == ["0"]


@pytest.fixture(params=["asyncio.SelectorEventLoop", "mainspring.new_event_loop"])
def either(request):
    """The head of a program whose loop is asyncio's or ours."""
    new_loop = "loop = mainspring.new_event_loop()"
    assert new_loop in HEAD
    return HEAD.replace(new_loop, f"new_loop = {request.param}\nloop = new_loop()")


def test_a_child_of_a_coroutine_runs_a_new_loop(either):
    body = """
async def child_main():
    await asyncio.sleep(0)
    assert asyncio.get_running_loop() is not loop

async def main():
    code = fork_and_wait(lambda: asyncio.run(child_main(), loop_factory=new_loop))
    await asyncio.sleep(0)
    return code, asyncio.get_running_loop() is loop

print(*loop.run_until_complete(main()))
"""
    assert outcome(body, either) == ["0", "True"]


def test_a_child_of_a_coroutine_is_in_no_loop_and_no_task(either):
    body = """
def child():
    assert asyncio._get_running_loop() is None
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise AssertionError("a loop runs")

async def main():
    return fork_and_wait(child)

print(loop.run_until_complete(main()))
"""
    assert outcome(body, either) == ["0"]


@pytest.mark.parametrize("call", ["loop.run_forever()", "loop.close()"])
def test_a_child_of_a_coroutine_may_not_touch_the_loop_that_runs_it(either, call):
    body = f"""
def child():
    try:
        {call}
    except RuntimeError as exc:
        assert "running" in str(exc), exc
        return
    raise AssertionError("the loop let it happen")

async def main():
    return fork_and_wait(child)

print(loop.run_until_complete(main()))
"""
    assert outcome(body, either) == ["0"]


def test_a_process_of_multiprocessing_that_is_forked_runs_a_new_loop(either):
    body = """
import multiprocessing

async def answer():
    await asyncio.sleep(0)
    return "answer"

def work(pipe):
    pipe.send(asyncio.run(answer(), loop_factory=new_loop))

async def main():
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(sender,))
    process.start()
    sender.close()
    heard = await asyncio.get_running_loop().run_in_executor(None, receiver.recv)
    process.join()
    receiver.close()
    return heard, process.exitcode

print(*loop.run_until_complete(main()))
loop.run_until_complete(loop.shutdown_default_executor())
"""
    assert outcome(body, either) == ["answer", "0"]


def test_a_child_receives_on_a_socket_that_was_kept():
    body = """
async def receive():
    receiving = asyncio.ensure_future(loop.sock_recv(ours, 100))
    await asyncio.sleep(0)
    theirs.send(b"x")
    assert await receiving == b"x"

def child():
    loop.run_until_complete(asyncio.wait_for(receive(), 10))

loop.run_until_complete(receive())
print(fork_and_wait(child))
loop.run_until_complete(receive())
"""
    assert outcome(body) == ["0"]
