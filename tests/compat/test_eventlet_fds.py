"""What eventlet programs wait for on file descriptors, on each hub."""

from tests.compat.conftest import Run

PAIR = """
import atexit
ours, theirs = socket.socketpair()
atexit.register(lambda: (ours.close(), theirs.close()))
current_hub()
def wait(word, **direction):
    try:
        eventlet.hubs.trampoline(ours, **direction)
        say(word, "ready")
    except BaseException as exc:
        say(word, repr(exc))
def listeners():
    hub = current_hub()
    return len(hub.get_readers()), len(hub.get_writers())
"""


def test_readers_and_writers_are_woken(run: Run) -> None:
    program = (
        PAIR
        + """
reader = eventlet.spawn(wait, "reader", read=True)
writer = eventlet.spawn(wait, "writer", write=True)
writer.wait()
say(*listeners())
theirs.send(b"x")
reader.wait()
say(*listeners())
"""
    )
    assert run(program) == ["writer ready", "1 0", "reader ready", "0 0"]


def test_the_end_of_the_other_side_wakes_both_directions(run: Run) -> None:
    program = (
        PAIR
        + """
ours.setblocking(False)
try:
    while True:
        ours.send(bytes(100_000))
except BlockingIOError:
    pass
waiting = [eventlet.spawn(wait, "reader", read=True), eventlet.spawn(wait, "writer", write=True)]
eventlet.sleep(0)
theirs.close()
for green in waiting:
    green.wait()
"""
    )
    assert sorted(run(program)) == ["reader ready", "writer ready"]


def test_a_second_reader_is_refused(run: Run) -> None:
    program = (
        PAIR
        + """
eventlet.spawn(wait, "first", read=True)
eventlet.sleep(0)
try:
    eventlet.hubs.trampoline(ours, read=True)
except RuntimeError as exc:
    say(str(exc)[:31])
theirs.send(b"x")
eventlet.sleep(0)
say(*listeners())
"""
    )
    assert run(program) == ["Second simultaneous read on fil", "first ready", "0 0"]


def test_several_readers_take_turns_when_eventlet_is_told_to_let_them(run: Run) -> None:
    program = (
        PAIR
        + """
eventlet.debug.hub_prevent_multiple_readers(False)
def read(word):
    eventlet.hubs.trampoline(ours, read=True)
    say(word, ours.recv(1).decode())
readers = [eventlet.spawn(read, word) for word in ("first", "second", "third")]
eventlet.sleep(0)
for letter in b"a", b"b", b"c":
    theirs.send(letter)
    eventlet.sleep(0)
    eventlet.sleep(0)
for green in readers:
    green.wait()
say(*listeners())
eventlet.debug.hub_prevent_multiple_readers(True)
"""
    )
    assert run(program) == ["first a", "second b", "third c", "0 0"]


def test_the_next_reader_takes_the_place_of_one_that_is_killed(run: Run) -> None:
    program = (
        PAIR
        + """
eventlet.debug.hub_prevent_multiple_readers(False)
first = eventlet.spawn(wait, "first", read=True)
second = eventlet.spawn(wait, "second", read=True)
eventlet.sleep(0)
first.kill()
theirs.send(b"x")
second.wait()
say(*listeners())
"""
    )
    assert run(program) == ["first GreenletExit()", "second ready", "0 0"]


def test_a_listener_stays_until_it_is_removed(run: Run) -> None:
    program = (
        PAIR
        + """
hub = current_hub()
listener = hub.add(hub.READ, ours.fileno(), lambda fd: say(ours.recv(1)), None, None)
theirs.send(b"ab")
for _ in range(3):
    eventlet.sleep(0)
hub.remove(listener)
theirs.send(b"c")
for _ in range(3):
    eventlet.sleep(0)
say(ours.recv(10), *listeners())
"""
    )
    assert run(program) == ["b'a'", "b'b'", "b'c' 0 0"]


def test_a_listener_that_fails_is_removed_with_its_fd(run: Run) -> None:
    program = (
        PAIR
        + """
hub = current_hub()
calls = []
def fail(fd):
    calls.append(fd)
    1 // 0
hub.add(hub.READ, ours.fileno(), fail, None, None)
theirs.send(b"x")
for _ in range(4):
    eventlet.sleep(0)
say(*listeners(), set(calls) == {ours.fileno()})
"""
    )
    assert run(program, errors="Removing descriptor") == ["0 0 True"]


def test_who_waits_for_a_number_that_is_another_files_by_now_is_told(run_ours: Run) -> None:
    # Eventlet's own hubs sleep first, if there is nothing else to do.
    program = (
        PAIR
        + """
waiting = eventlet.spawn(wait, "waiting", read=True)
eventlet.sleep(0)
number = ours.fileno()
ours.close()
again, other = os.pipe()
eventlet.hubs.notify_opened(again)
say(again == number, *listeners())
waiting.wait()
os.write(other, b"new")
eventlet.hubs.trampoline(again, read=True)
say(os.read(again, 10), *listeners())
"""
    )
    assert run_ours(program) == [
        "True 0 0",
        "waiting IOClosed(107, 'Operation on closed file')",
        "b'new' 0 0",
    ]


def test_an_error_that_a_green_thread_lets_go_when_its_fd_is_gone_does_not_end_the_run(
    run_ours: Run,
) -> None:
    # It ends the run of eventlet's own hubs, and is raised in the main green thread.
    program = (
        PAIR
        + """
class Bare(eventlet.support.greenlets.greenlet):
    pass
bare = Bare(lambda: eventlet.hubs.trampoline(ours, read=True), current_hub().greenlet)
current_hub().schedule_call_global(0, bare.switch)
eventlet.sleep(0)
eventlet.hubs.notify_opened(ours.fileno())
eventlet.sleep(0)
say("on", *listeners())
"""
    )
    assert run_ours(program, errors="IOClosed") == ["on 0 0"]


def test_a_number_serves_again_at_once_though_nobody_told_the_hub(run: Run) -> None:
    program = """
def wait_and_read(fd):
    eventlet.hubs.trampoline(fd, read=True, timeout=60)
    return os.read(fd, 10)
for round in range(3):
    reader, writer = os.pipe()
    green = eventlet.spawn(wait_and_read, reader)
    eventlet.sleep(0)
    os.write(writer, b"%d" % round)
    say(green.wait(), reader)
    os.close(reader)
    os.close(writer)
"""
    lines = run(program)
    assert [line.split()[0] for line in lines] == ["b'0'", "b'1'", "b'2'"]
    assert len({line.split()[1] for line in lines}) == 1


def test_a_number_serves_again_while_the_old_file_lives_on_in_a_copy(run_ours: Run) -> None:
    # What an epoll set has of the old file nobody can take out by its number any more: eventlet's
    # epoll hub takes news of the old for news of the new, for good.
    program = """
def wait():
    eventlet.hubs.trampoline(again, read=True)
    say(os.read(again, 10))
reader, writer = os.pipe()
copy = os.dup(reader)
hub = current_hub()
hub.add(hub.READ, reader, lambda fd: say("old"), lambda *exc: None, None)
eventlet.sleep(0)
os.close(reader)
again, other = os.pipe()
hub.mark_as_reopened(again)
os.write(writer, b"old")
green = eventlet.spawn(wait)
for _ in range(3):
    eventlet.sleep(0)
say(again == reader, green.dead)
os.write(other, b"new")
green.wait()
"""
    assert run_ours(program) == ["True False", "b'new'"]


def test_a_regular_file_is_refused_and_nothing_is_left_of_it(run_ours: Run) -> None:
    # As by eventlet's epoll hub, which leaves the listener behind.
    program = (
        PAIR
        + """
with open("/proc/self/exe", "rb") as file:
    try:
        eventlet.hubs.trampoline(file, read=True)
    except PermissionError as exc:
        say(exc.errno == errno.EPERM, *listeners())
"""
    )
    assert run_ours(program) == ["True 0 0"]


def test_a_regular_file_is_always_ready_to_eventlets_files(run: Run) -> None:
    program = """
import tempfile
from eventlet.green import os as green_os
from eventlet.greenio import GreenPipe
with tempfile.TemporaryDirectory() as folder:
    fd = green_os.open(folder + "/file", os.O_RDWR | os.O_CREAT)
    green_os.write(fd, b"text")
    os.lseek(fd, 0, 0)
    say(green_os.read(fd, 10))
    os.close(fd)
    with GreenPipe(folder + "/file", "rb", 0) as pipe:
        say(pipe.read())
"""
    assert run(program) == ["b'text'", "b'text'"]


def test_what_is_no_fd_is_refused(run: Run) -> None:
    program = (
        PAIR
        + """
for wrong in -1, 999:
    try:
        eventlet.hubs.trampoline(wrong, read=True)
    except (ValueError, OSError) as exc:
        say(type(exc).__name__)
"""
    )
    assert run(program) == ["ValueError", "OSError"]


def test_a_timeout_while_waiting_leaves_nothing(run: Run) -> None:
    program = (
        PAIR
        + """
try:
    eventlet.hubs.trampoline(ours, read=True, timeout=0.001)
except eventlet.Timeout:
    say(*listeners())
theirs.send(b"x")
eventlet.hubs.trampoline(ours, read=True, timeout=60)
say(*listeners())
"""
    )
    assert run(program) == ["0 0", "0 0"]


def test_sockets_echo_through_eventlets_own_servers_and_pools(run: Run) -> None:
    program = """
def serve(sock, address):
    while data := sock.recv(1000):
        sock.sendall(data)
listener = eventlet.listen(("127.0.0.1", 0))
server = eventlet.spawn(eventlet.serve, listener, serve)
def ask(number):
    with eventlet.connect(listener.getsockname()) as sock:
        sock.sendall(bytes([number]) * 10000)
        got = b""
        while len(got) < 10000:
            got += sock.recv(10000)
        return set(got) == {number}
pool = eventlet.GreenPool(20)
say(list(pool.imap(ask, range(50))) == [True] * 50)
server.kill()
"""
    assert run(program) == ["True"]
