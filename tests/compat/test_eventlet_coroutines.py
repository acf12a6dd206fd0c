"""Coroutines beside green threads on our hub: waiting, priorities, and what patching leaves."""

import pytest

from tests.compat.conftest import Run


def test_each_waits_for_the_other(run_ours: Run) -> None:
    program = """
async def double(number):
    await asyncio.sleep(0.001)
    return 2 * number
def green(number):
    eventlet.sleep(0.001)
    return spawn_for_awaitable(double(number)).wait() + 1
async def main():
    return await asyncio.gather(*[eventlet.spawn(green, number) for number in range(5)])
say(spawn_for_awaitable(main()).wait())
"""
    assert run_ours(program) == ["[1, 3, 5, 7, 9]"]


def test_errors_and_cancellation_cross_both_ways(run_ours: Run) -> None:
    program = """
eventlet.debug.hub_exceptions(False)
async def fail():
    raise KeyError("coroutine")
def green_fail():
    raise ValueError("green")
try:
    spawn_for_awaitable(fail()).wait()
except KeyError as exc:
    say(repr(exc))
async def main():
    try:
        await eventlet.spawn(green_fail)
    except ValueError as exc:
        say(repr(exc))
    sleeping = eventlet.spawn(eventlet.sleep, 60)
    task = asyncio.ensure_future(sleeping)
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        say("cancelled", sleeping.dead)
    sleeping = eventlet.spawn(eventlet.sleep, 60)
    eventlet.spawn_after(0.001, sleeping.kill)
    try:
        await sleeping
    except asyncio.CancelledError:
        say("killed")
spawn_for_awaitable(main()).wait()
forever = asyncio.ensure_future(asyncio.sleep(60))
waiting = spawn_for_awaitable(forever)
eventlet.sleep(0)
waiting.kill()
eventlet.sleep(0)
eventlet.sleep(0)
say(forever.cancelled())
"""
    assert run_ours(program) == [
        "KeyError('coroutine')",
        "ValueError('green')",
        "cancelled True",
        "killed",
        "True",
    ]


def test_await_serves_in_green_threads_of_eventlets_and_in_the_main_one(run_ours: Run) -> None:
    program = """
from mainspring import await_, sleep, spawn
async def double(number):
    await asyncio.sleep(0)
    return 2 * number
def generator(number):
    return (yield double(number))
def green(number):
    sleep(0)
    return await_(generator(number)) + spawn(await_, double(number)).get()
current_hub()
say(await_(double(1)), eventlet.spawn(green, 2).wait())
done = asyncio.ensure_future(double(3))
eventlet.sleep(0.001)
say(await_(done), await_(done))
"""
    assert run_ours(program) == ["2 8", "6 6"]


def test_a_timeout_of_eventlets_cancels_what_await_waits_for(run_ours: Run) -> None:
    program = """
from mainspring import await_
async def cancelled():
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        say("cancelled")
def green():
    try:
        with eventlet.Timeout(0.001):
            await_(cancelled())
    except eventlet.Timeout:
        eventlet.sleep(0.001)
        say("timed out")
eventlet.spawn(green).wait()
killed = eventlet.spawn(lambda: await_(cancelled()))
eventlet.sleep(0)
eventlet.sleep(0)
killed.kill()
eventlet.sleep(0)
"""
    assert run_ours(program) == ["cancelled", "timed out", "cancelled"]


def test_a_lock_goes_from_eventlets_green_threads_to_a_coroutine_and_back(run_ours: Run) -> None:
    program = """
from mainspring import await_, spawn, sync
lock, event, queue = sync.Lock(), sync.Event(), sync.Queue()
def green(word):
    with lock:
        say(word)
        eventlet.sleep(0)
    await_(event.wait())
    await_(queue.put(word))
async def coroutine(word):
    async with lock:
        say(word)
        await asyncio.sleep(0)
        event.set()
eventlet.sleep(0)
first = eventlet.spawn(green, "first")
eventlet.sleep(0)
spawn(coroutine("second"))
eventlet.sleep(0)
eventlet.spawn(green, "third")
say(await_(queue.get()), await_(queue.get()))
"""
    assert run_ours(program) == ["first", "second", "third", "first third"]


def test_waiting_in_the_hub_itself_is_refused(run_ours: Run) -> None:
    program = """
from mainspring import await_, sync
from mainspring.green import BlockingSwitchOutError
lock = sync.Lock()
async def main():
    await lock.acquire()
    for wait in (lambda: await_(asyncio.sleep(0)), lock.__enter__):
        try:
            wait()
        except BlockingSwitchOutError:
            say("refused")
eventlet.sleep(0)
await_(main())
"""
    assert run_ours(program) == ["refused", "refused"]


def test_a_green_thread_of_ours_waits_for_one_of_eventlets(run_ours: Run) -> None:
    program = """
from mainspring import await_, spawn
from mainspring.green import BlockingSwitchOutError
def old(number):
    eventlet.sleep(0)
    return number + 1
def new(number):
    try:
        old(number)
    except BlockingSwitchOutError as exc:
        say("as eventlet's" in str(exc))
    return await_(eventlet.spawn(old, number))
eventlet.sleep(0)
say(await_(spawn(new, 1)))
"""
    assert run_ours(program) == ["True", "2"]


def test_the_running_loop_is_the_hubs_everywhere(run_ours: Run) -> None:
    program = """
import mainspring
def look(word):
    loop = asyncio.get_running_loop()
    say(word, loop is current_hub().loop, isinstance(loop, mainspring.Loop))
async def coroutine():
    look("coroutine")
eventlet.sleep(0)
look("main")
eventlet.spawn(look, "green").wait()
asyncio.get_running_loop().call_soon(look, "callback")
spawn_for_awaitable(coroutine()).wait()
"""
    assert run_ours(program) == [
        f"{word} True True" for word in ("main", "green", "callback", "coroutine")
    ]


def test_a_transport_and_a_green_thread_talk_to_each_other(run_ours: Run) -> None:
    program = """
async def serve(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()
server = spawn_for_awaitable(asyncio.start_server(serve, "127.0.0.1", 0)).wait()
with eventlet.connect(server.sockets[0].getsockname()) as sock:
    sock.sendall(b"x" * 100_000)
    got = 0
    while got < 100_000:
        got += len(sock.recv(100_000))
say(got)
server.close()
spawn_for_awaitable(server.wait_closed()).wait()
"""
    assert run_ours(program) == ["100000"]


def test_a_coroutine_may_watch_what_a_green_thread_waits_for(run_ours: Run) -> None:
    program = """
ours, theirs = socket.socketpair()
with ours, theirs:
    event = asyncio.Event()
    green = eventlet.spawn(eventlet.hubs.trampoline, ours, read=True)
    eventlet.sleep(0)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, lambda: (loop.remove_reader(ours), event.set()))
    theirs.send(b"x")
    spawn_for_awaitable(event.wait()).wait()
    green.wait()
    say(green.dead, loop.remove_reader(ours))
"""
    assert run_ours(program) == ["True False"]


def test_the_fd_of_a_transport_is_refused(run_ours: Run) -> None:
    program = """
ours, theirs = socket.socketpair()
async def connect():
    return await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
transport, _ = spawn_for_awaitable(connect()).wait()
try:
    eventlet.hubs.trampoline(ours.fileno(), read=True)
except RuntimeError as exc:
    say("is used by transport" in str(exc), len(current_hub().get_readers()))
transport.close()
theirs.close()
eventlet.sleep(0)
"""
    assert run_ours(program) == ["True 0"]


def test_what_is_more_urgent_runs_before_green_threads(run_ours: Run) -> None:
    program = """
from mainspring import Priority
eventlet.sleep(0)
loop = asyncio.get_running_loop()
async def coroutine(word):
    say(word)
eventlet.spawn(say, "green")
loop.call_soon(say, "low", priority=Priority.LOW)
loop.call_soon(say, "high", priority=Priority.HIGH)
loop.create_task(coroutine("urgent task"), priority=Priority.URGENT)
done = eventlet.Event()
loop.call_idle(lambda: (say("idle"), done.send()))
done.wait()
"""
    assert run_ours(program) == ["urgent task", "high", "green", "low", "idle"]


def test_a_green_thread_waits_at_the_priority_that_it_names(run_ours: Run) -> None:
    program = """
from mainspring import Priority, priority
def work(word, level):
    with priority(level):
        eventlet.sleep(0)
        say(word, "timer")
        eventlet.hubs.trampoline(ours, write=True)
        say(word, "fd")
ours, theirs = socket.socketpair()
with ours, theirs:
    background = eventlet.spawn(work, "low", Priority.LOW)
    eventlet.sleep(0)
    for number in range(3):
        eventlet.sleep(0)
        say("default", number)
    background.wait()
"""
    lines = run_ours(program)
    assert lines == [*(f"default {number}" for number in range(3)), "low timer", "low fd"]


def test_idle_work_is_waited_for_by_green_threads(run_ours: Run) -> None:
    program = """
async def idle():
    return await asyncio.get_running_loop().run_idle(sum, range(100_000))
say(spawn_for_awaitable(idle()).wait())
"""
    assert run_ours(program) == [str(sum(range(100_000)))]


def test_another_thread_wakes_a_green_thread_through_the_loop(run_ours: Run) -> None:
    program = """
event = eventlet.Event()
loop = current_hub().loop
thread = threading.Thread(target=loop.call_soon_threadsafe, args=(event.send, "sent"))
thread.start()
say(event.wait())
thread.join()
"""
    assert run_ours(program) == ["sent"]


PATCH = {"first": "eventlet.monkey_patch()\n", "late": "current_hub()\neventlet.monkey_patch()\n"}


@pytest.mark.parametrize("when", PATCH)
def test_patching_leaves_the_loop_what_it_needs(run_ours: Run, when: str) -> None:
    program = """
import subprocess, time, concurrent.futures, queue
assert socket.socket.__module__.startswith("eventlet"), socket.socket
def worker():
    return threading.current_thread() is not main_thread
async def main():
    loop = asyncio.get_running_loop()
    say(await asyncio.to_thread(worker))
    say(await loop.run_idle(worker))
    say((await loop.getaddrinfo("localhost", 80))[0][4][1])
    process = await asyncio.create_subprocess_exec("echo", "child", stdout=subprocess.PIPE)
    say((await process.communicate())[0])
    async def serve(reader, writer):
        writer.write(await reader.read(10))
        writer.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(b"x")
    say(await reader.read())
    writer.close()
    server.close()
    await server.wait_closed()
    await loop.shutdown_default_executor()
main_thread = threading.current_thread()
time.sleep(0)
spawn_for_awaitable(main()).wait()
"""
    assert run_ours(PATCH[when] + program) == ["True", "True", "80", "b'child\\n'", "b'x'"]


def test_a_program_that_patched_before_it_chose_the_hub_runs(run_ours: Run) -> None:
    program = """
os.environ.pop("EVENTLET_HUB")
eventlet.hubs.use_hub("epolls")
eventlet.monkey_patch()
eventlet.hubs.use_hub("mainspring.compat.eventlet:Hub")
import time
async def main():
    return await asyncio.to_thread(lambda: "thread")
say(spawn_for_awaitable(main()).wait())
"""
    assert run_ours(program) == ["thread"]


def test_tls_goes_through_transports_of_a_patched_program(run_ours: Run) -> None:
    program = """
eventlet.monkey_patch()
import ssl
from tests.net.tls_support import CERTIFICATES
"""
    # The contexts are eventlet's own class by then.
    program += """
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATES / "server.pem")
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname = False
client.verify_mode = ssl.CERT_NONE
async def main():
    async def serve(reader, writer):
        writer.write(await reader.read(10))
        writer.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    address = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(*address, ssl=client)
    writer.write(b"x")
    say(await reader.read())
    writer.close()
    server.close()
    await server.wait_closed()
spawn_for_awaitable(main()).wait()
"""
    assert run_ours(program) == ["b'x'"]
