"""Threads and forks of eventlet programs, and the C stack under them."""

from tests.compat.conftest import Run
from tests.loop.helpers import FORK_AND_WAIT


def test_each_thread_has_a_hub_of_its_own(run: Run) -> None:
    program = """
hubs, ran = set(), []
def work(number):
    hubs.add(current_hub())
    pool = eventlet.GreenPool()
    ran.append(sum(pool.imap(lambda x: (eventlet.sleep(0), x)[1], range(number))))
    current_hub().abort(wait=True)
threads = [threading.Thread(target=work, args=(number,)) for number in (10, 20)]
for thread in threads:
    thread.start()
work(30)
for thread in threads:
    thread.join()
say(len(hubs), sorted(ran))
"""
    assert run(program) == ["3 [45, 190, 435]"]


def test_a_thread_whose_hub_has_ended_leaves_no_fd(run: Run) -> None:
    program = """
import gc
def work():
    eventlet.sleep(0)
    current_hub().abort(wait=True)
    gc.collect()
def fds():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    gc.collect()
    return len(os.listdir("/proc/self/fd"))
say(len({fds() for _ in range(5)}))
"""
    assert run(program) == ["1"]


def test_hubs_and_pool_threads_wake_each_other(run: Run) -> None:
    program = """
from eventlet import tpool
say(sorted(eventlet.GreenPool().imap(lambda x: tpool.execute(pow, x, 2), range(5))))
tpool.killall()
"""
    assert run(program) == ["[0, 1, 4, 9, 16]"]


FORK = """
# Else threading's own handler fails in a child of a green thread, on every hub.
eventlet.monkey_patch()
wait_for_process = patcher.original("os").waitpid
"""
FORK += FORK_AND_WAIT


def test_a_forked_child_goes_on_with_what_waits_and_so_does_the_parent(run_ours: Run) -> None:
    # With eventlet's epoll hub both have one epoll set: what the child ends, ends for the parent.
    program = (
        FORK
        + """
ours, theirs = socket.socketpair()
with ours, theirs:
    def wait():
        eventlet.hubs.trampoline(ours, read=True)
        return ours.recv(10)
    waiting = eventlet.spawn(wait)
    eventlet.sleep(0)
    def child():
        theirs.send(b"child")
        assert waiting.wait() == b"child"
        eventlet.sleep(0.001)
    def green():
        return fork_and_wait(child)
    say(fork_and_wait(child), eventlet.spawn(green).wait())
    theirs.send(b"parent")
    say(waiting.wait())
"""
    )
    assert run_ours(program) == ["0 0", "b'parent'"]


def test_a_signal_wakes_a_forked_child(run: Run) -> None:
    program = (
        FORK
        + """
def child():
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        eventlet.sleep(60)
    except KeyboardInterrupt:
        return
    raise AssertionError
eventlet.sleep(0)
say(fork_and_wait(child))
"""
    )
    assert run(program) == ["0"]


def test_a_forked_child_runs_coroutines(run_ours: Run) -> None:
    program = (
        FORK
        + """
async def answer():
    await asyncio.sleep(0.001)
    return asyncio.get_running_loop() is current_hub().loop
def child():
    assert spawn_for_awaitable(answer()).wait()
eventlet.sleep(0)
say(fork_and_wait(child), eventlet.spawn(fork_and_wait, child).wait())
say(spawn_for_awaitable(answer()).wait())
"""
    )
    assert run_ours(program) == ["0 0", "True"]


def test_a_child_that_a_task_forks_goes_on_in_the_task(run_ours: Run) -> None:
    program = """
eventlet.monkey_patch()
async def fork():
    pid = os.fork()
    task = asyncio.current_task()
    await asyncio.sleep(0.001)
    assert task is not None and asyncio.current_task() is task
    return pid
pid = spawn_for_awaitable(fork()).wait()
if pid == 0:
    os._exit(3)
say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run_ours(program) == ["3"]


# The hub's greenlet and all others share one C stack, of which each keeps its piece while others
# run. If the loop held a pointer into its own, it would follow it into another's.
DEEP = """
import functools, random
def deep(levels, function):
    # Each level is several C frames of the interpreter's.
    if levels == 0:
        return function()
    return max([levels], key=lambda _: deep(levels - 1, function)) and None
def step():
    choice = rng.randrange(4)
    if choice == 0:
        eventlet.sleep(0)
    elif choice == 1:
        eventlet.sleep(rng.random() / 10_000)
    elif choice == 2:
        spawn_for_awaitable(asyncio.sleep(0)).wait()
    else:
        with socket_lock:
            theirs.send(b"x")
            eventlet.hubs.trampoline(ours, read=True)
            ours.recv(1)
def work():
    for _ in range(30):
        deep(rng.randrange(40), step)
    done.append(1)
rng, done = random.Random(7), []
ours, theirs = socket.socketpair()
socket_lock = eventlet.Semaphore()
"""


def test_green_threads_switch_at_any_depth_of_the_stack(run_ours: Run) -> None:
    program = (
        DEEP
        + """
async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()
async def talk(address):
    reader, writer = await asyncio.open_connection(*address)
    for number in range(100):
        writer.write(b"%3d" % number)
        assert await reader.readexactly(3) == b"%3d" % number
    writer.close()
    await writer.wait_closed()
    done.append(1)
server = spawn_for_awaitable(asyncio.start_server(echo, "127.0.0.1", 0)).wait()
address = server.sockets[0].getsockname()
everything = [eventlet.spawn(work) for _ in range(20)]
everything += [spawn_for_awaitable(talk(address)) for _ in range(5)]
deep(30, lambda: [green.wait() for green in everything] and None)
say(len(done))
server.close()
ours.close()
theirs.close()
"""
    )
    assert run_ours(program) == ["25"]


def test_the_hub_may_start_at_any_depth_of_the_stack(run_ours: Run) -> None:
    program = (
        DEEP
        + """
for levels in 50, 0, 25:
    deep(levels, work)
    deep(levels, lambda: current_hub().abort(wait=True))
say(len(done))
ours.close()
theirs.close()
"""
    )
    assert run_ours(program) == ["3"]
