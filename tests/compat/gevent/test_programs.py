"""Whole gevent programs, beside coroutines: each in its own process, as its user would run it."""

import pytest


def test_a_patched_program_serves_sockets_and_sleeps(program):
    assert program("""
from gevent import monkey; monkey.patch_all()
import gevent, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
def serve():
    client, _ = server.accept()
    with client:
        client.sendall(client.recv(100).upper())
thread = threading.Thread(target=serve); thread.start()
with socket.create_connection(server.getsockname()) as client:
    time.sleep(0)
    client.sendall(b"hello"); print(client.recv(100).decode())
thread.join(); server.close()
print(type(gevent.get_hub().loop).__module__)
""") == ["HELLO", "mainspring.compat.gevent.loop"]


def test_waiting_for_nothing_is_an_error_and_the_hub_goes_on(program):
    assert program("""
import gevent, gevent.event
for _ in range(2):
    try: gevent.event.Event().wait()
    except gevent.exceptions.LoopExit: print("LoopExit")
gevent.sleep(0); print("on")
""") == ["LoopExit", "LoopExit", "on"]


def test_a_greenlet_waits_for_a_coroutine_and_a_coroutine_for_a_greenlet(program):
    assert program("""
import asyncio, gevent
from mainspring.compat.gevent import as_future, wait_for_awaitable
def green(x):
    gevent.sleep(0)
    return wait_for_awaitable(double(x)) + 1
async def double(x):
    await asyncio.sleep(0)
    return 2 * x
async def main():
    return [await as_future(gevent.spawn(green, n)) for n in range(3)]
print(wait_for_awaitable(main()))
""") == ["[1, 3, 5]"]


def test_await_and_the_primitives_of_every_model_serve_in_greenlets(program):
    assert program("""
import asyncio, gevent
from mainspring import await_, sleep, spawn, sync
lock, event, queue = sync.Lock(), sync.Event(), sync.Queue()
def greenlet(word):
    with lock:
        print(word)
        sleep(0)
    await_(event.wait())
    await_(queue.put(word))
async def coroutine(word):
    async with lock:
        print(word)
        await asyncio.sleep(0)
        event.set()
gevent.sleep(0)
first = gevent.spawn(greenlet, "first")
gevent.sleep(0)
second = spawn(coroutine("second"))
gevent.sleep(0)
third = gevent.spawn(greenlet, "third")
print(await_(queue.get()), await_(queue.get()), spawn(await_, asyncio.sleep(0, "last")).get())
""") == ["first", "second", "third", "first third last"]


def test_await_is_cancelled_by_a_timeout_and_refused_in_the_hub(program):
    assert program("""
import asyncio, gevent
from mainspring import await_
from mainspring.green import BlockingSwitchOutError
async def cancelled():
    try: await asyncio.get_running_loop().create_future()
    finally: print("cancelled")
async def blocked():
    try: await_(asyncio.sleep(0))
    except BlockingSwitchOutError: print("refused")
gevent.sleep(0)
try:
    with gevent.Timeout(0): await_(cancelled())
except gevent.Timeout: print("timed out")
await_(blocked())
""") == ["timed out", "cancelled", "refused"]


def test_a_green_thread_of_ours_waits_for_a_greenlet(program):
    assert program("""
import gevent
from mainspring import await_, spawn
from mainspring.compat.gevent import as_future
from mainspring.green import BlockingSwitchOutError
def old(number):
    gevent.sleep(0)
    return number + 1
def new(number):
    try: old(number)
    except BlockingSwitchOutError as error: print("gevent's calls" in str(error))
    return await_(as_future(gevent.spawn(old, number)))
gevent.sleep(0)
print(await_(spawn(new, 1)))
""") == ["True", "2"]


def test_a_coroutine_of_a_patched_program_connects_to_a_literal_address(program):
    assert program("""
from gevent import monkey; monkey.patch_all()
import asyncio, gevent, socket
from mainspring import await_
async def serve(reader, writer):
    writer.write((await reader.readline()).upper())
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"hello\\n")
    print((await reader.read()).decode(), end="")
    writer.close(); server.close()
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    names = await asyncio.get_running_loop().getnameinfo(address, flags)
    print(names == ("127.0.0.1", str(address[1])))
gevent.sleep(0)
await_(main())
""") == ["HELLO", "True"]


def test_errors_pass_between_greenlets_and_coroutines(program):
    assert program("""
import gevent
from mainspring.compat.gevent import as_future, wait_for_awaitable
gevent.get_hub().exception_stream = None
async def fail(): raise LookupError("coroutine")
try: wait_for_awaitable(fail())
except LookupError as error: print(error)
def stop(): raise StopIteration("greenlet")
async def main():
    try: await as_future(gevent.spawn(stop))
    except RuntimeError as error: print(error, repr(error.__cause__))
wait_for_awaitable(main())
""") == ["coroutine", "the greenlet raised StopIteration StopIteration('greenlet')"]


def test_cancelling_passes_on_in_both_directions(program):
    assert program("""
import asyncio, gevent
from mainspring.compat.gevent import as_future, wait_for_awaitable
async def cancelled():
    try: await asyncio.get_running_loop().create_future()
    finally: print("coroutine ends")
def killed():
    try: gevent.sleep(1000)
    finally: print("greenlet ends")
try:
    with gevent.Timeout(0): wait_for_awaitable(cancelled())
except gevent.Timeout: print("timed out")
waiting = gevent.spawn(lambda: wait_for_awaitable(cancelled()))
gevent.sleep(0); gevent.sleep(0); waiting.kill()
async def main():
    greenlet = gevent.spawn(killed)
    future = as_future(greenlet)
    await asyncio.sleep(0); await asyncio.sleep(0)
    future.cancel()
    await asyncio.wait([as_future(greenlet)])
    greenlet = gevent.spawn(killed)
    future = as_future(greenlet)
    await asyncio.sleep(0); await asyncio.sleep(0)
    greenlet.kill(block=False)
    try: await future
    except asyncio.CancelledError: print("future cancelled")
wait_for_awaitable(main())
""") == [
        *("timed out", "coroutine ends", "coroutine ends", "greenlet ends", "greenlet ends"),
        "future cancelled",
    ]


def test_a_blocking_call_in_a_coroutine_is_an_error(program):
    assert program("""
import gevent
from mainspring.compat.gevent import wait_for_awaitable
async def wrong(): gevent.sleep(1)
try: wait_for_awaitable(wrong())
except gevent.exceptions.BlockingSwitchOutError: print("refused")
""") == ["refused"]


def test_threads_of_asyncio_are_threads_also_when_threading_is_patched(program):
    assert program("""
from gevent import monkey; monkey.patch_all()
import asyncio, gevent
from mainspring.compat.gevent import wait_for_awaitable
ident = monkey.get_original("_thread", "get_ident")
async def main():
    print(await asyncio.to_thread(ident) != ident())
    [found, *_] = await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    print(found[4][1])
wait_for_awaitable(main())
""") == ["True", "80"]


def test_subprocesses_of_gevent_and_of_asyncio_run_side_by_side(program):
    assert program("""
import asyncio, sys
from gevent import subprocess
from mainspring.compat.gevent import get_event_loop, wait_for_awaitable
async def child():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(4)")
    return await process.wait()
task = get_event_loop().create_task(child())
print(subprocess.call([sys.executable, "-c", "raise SystemExit(3)"]))
print(wait_for_awaitable(task))
""") == ["3", "4"]


def test_an_interrupt_reaches_the_main_greenlet_and_the_hub_goes_on(program):
    assert program("""
import gevent, os, signal
gevent.get_hub().exception_stream = None
gevent.spawn(os.kill, os.getpid(), signal.SIGINT)
try: gevent.sleep(1000)
except KeyboardInterrupt: print("interrupted")
gevent.sleep(0); print("on")
""") == ["interrupted", "on"]


def test_a_child_of_a_fork_goes_on_with_its_own_loop(program):
    assert program("""
import gevent, os, signal
from gevent.os import fork, waitpid
heard = []
watcher = gevent.get_hub().loop.fork(ref=False)
watcher.start(heard.append, "fork")
gevent.sleep(0)
pid = fork()
if pid == 0:
    gevent.signal_handler(signal.SIGUSR1, heard.append, "signal")
    os.kill(os.getpid(), signal.SIGUSR1)
    while len(heard) < 2: gevent.sleep(0)
    print(sorted(heard), flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(waitpid(pid, 0)[1]), heard)
""") == ["['fork', 'signal']", "0 []"]


def test_each_thread_has_its_own_hub_and_loop(program):
    assert program("""
import asyncio, gevent
from mainspring.compat.gevent import get_event_loop, wait_for_awaitable
async def running(): return asyncio.get_running_loop()
def other():
    gevent.sleep(0)
    return wait_for_awaitable(running()) is get_event_loop()
print(gevent.get_hub().threadpool.apply(other))
print(wait_for_awaitable(running()) is get_event_loop())
""") == ["True", "True"]


def test_without_our_loop_the_helpers_say_what_to_set(program):
    assert program("""
os.environ["GEVENT_LOOP"] = "libev-cext"
from mainspring.compat.gevent import get_event_loop
try: get_event_loop()
except RuntimeError as error: print("GEVENT_LOOP=mainspring.compat.gevent.Loop" in str(error))
""") == ["True"]


# With a folder the interpreter forks, where it would spawn else, and closes a pipe while it waits.
@pytest.mark.parametrize("where", [None, "/"])
def test_asyncios_subprocesses_run_also_when_subprocess_is_patched(program, where):
    assert program(
        f"where = {where!r}"
        """
from gevent import monkey; monkey.patch_all()
import asyncio, subprocess, sys
from mainspring.compat.gevent import get_event_loop, wait_for_awaitable
async def child():
    command = [sys.executable, "-c", "print('hello')"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=where)
    output, _ = await process.communicate()
    return process.returncode, output
async def several():
    return {outcome for outcome in await asyncio.gather(*[child() for _ in range(5)])}
print(wait_for_awaitable(several()))
print(subprocess.check_output([sys.executable, "-c", "print('there')"]))
"""
    ) == ["{(0, b'hello\\n')}", "b'there\\n'"]
