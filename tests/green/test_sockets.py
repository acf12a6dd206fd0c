"""Green sockets: what a green thread waits for alone; in OS threads the stdlib's own behaviour."""

import asyncio
import errno
import os
import socket as stdlib_socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mainspring
from mainspring import Priority
from mainspring.green import GreenletExit, Timeout, green, socket, spawn
from tests.green.helpers import turns


@pytest.fixture
def pair():
    """Two green sockets that are connected."""
    with_one, with_other = socket.socketpair()
    with with_one, with_other:
        yield with_one, with_other


@pytest.fixture(params=["green thread", "OS thread"])
def anywhere(request, run):
    """Runs a function in a green thread, and in an OS thread as the control."""
    if request.param == "green thread":
        return run

    def run_in_thread(function):
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(function).result()

    return run_in_thread


def both_at_once(first, second):
    """Runs two functions, green beside a loop and in an OS thread elsewhere; returns results."""
    if asyncio._get_running_loop() is not None:
        one, other = spawn(first), spawn(second)
        return one.get(), other.get()
    with ThreadPoolExecutor(2) as threads:
        return [future.result() for future in [threads.submit(first), threads.submit(second)]]


def test_who_waits_to_receive_lets_the_others_run(run, pair):
    def main():
        order = []

        def receive():
            order.append("wait")
            order.append(pair[0].recv(10))

        thread = spawn(receive)
        turns()
        order.append("send")
        pair[1].send(b"bytes")
        thread.get()
        return order

    assert run(main) == ["wait", "send", b"bytes"]


def test_a_large_message_goes_through_while_both_sides_wait_for_each_other(anywhere, pair):
    message = os.urandom(3_000_000)

    def receive():
        chunks = []
        while chunk := pair[1].recv(65536):
            chunks.append(chunk)
        return b"".join(chunks)

    def send():
        pair[0].sendall(message)
        pair[0].shutdown(socket.SHUT_WR)

    assert anywhere(lambda: both_at_once(send, receive)[1]) == message


def test_a_server_and_a_client_meet(anywhere):
    def main():
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve():
                connection, address = server.accept()
                with connection, connection.makefile("rwb") as file:
                    file.write(file.readline().upper())
                return type(connection), address

            def ask():
                with socket.create_connection(server.getsockname()) as client:
                    client.sendall(b"hello\n")
                    return client.getsockname(), client.recv(100)

            return both_at_once(serve, ask)

    (kind, address), (own_address, answer) = anywhere(main)
    assert kind is socket.socket
    assert address == own_address
    assert answer == b"HELLO\n"


WAYS = {
    "recv": lambda sock: sock.recv(4),
    "recv with flags": lambda sock: (sock.recv(4, socket.MSG_PEEK), sock.recv(4))[1],
    "recv of all": lambda sock: sock.recv(4, socket.MSG_WAITALL),
    "recvfrom": lambda sock: sock.recvfrom(4)[0],
    "recvmsg": lambda sock: sock.recvmsg(4)[0],
    "recv_into": lambda sock: into(lambda buffer: sock.recv_into(buffer)),
    "recv_into with a size": lambda sock: into(lambda buffer: sock.recv_into(buffer, 4)),
    "recvfrom_into": lambda sock: into(lambda buffer: sock.recvfrom_into(buffer)[0]),
    "recvmsg_into": lambda sock: into(lambda buffer: sock.recvmsg_into([buffer])[0]),
    "recvmsg_into of an iterator": (
        lambda sock: into(lambda buffer: sock.recvmsg_into(iter([buffer]))[0])
    ),
}


def into(receive):
    """Returns what a function receives into a buffer."""
    buffer = bytearray(4)
    return bytes(buffer[: receive(buffer)])


@pytest.mark.parametrize("timeout", [None, 60.0])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_receive_waits(anywhere, pair, way, timeout):
    pair[0].settimeout(timeout)
    received, _ = anywhere(
        lambda: both_at_once(lambda: WAYS[way](pair[0]), lambda: pair[1].sendall(b"four"))
    )
    assert received == b"four"


def test_datagrams_go_to_an_address(anywhere):
    def main():
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            other.sendto(b"data", one.getsockname())
            other.sendmsg([b"gram"], [], 0, one.getsockname())
            return one.recvfrom(10), one.recvfrom(10), other.getsockname()

    first, second, sender = anywhere(main)
    assert (first, second) == ((b"data", sender), (b"gram", sender))


@pytest.mark.parametrize(
    "args", [(), (b"x",), (b"x", "flags", ("127.0.0.1", 9)), (b"x", 0, None), ("x", 0, None)]
)
def test_what_sendto_cant_take_is_the_stdlibs_error(anywhere, args):
    def main():
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(*args)

    with (
        stdlib_socket.socket(type=stdlib_socket.SOCK_DGRAM) as sock,
        pytest.raises(TypeError) as expected,
    ):
        sock.sendto(*args)
    with pytest.raises(TypeError) as caught:
        anywhere(main)
    assert str(caught.value) == str(expected.value)


def test_fds_are_sent_and_received(anywhere, pair):
    def main():
        socket.send_fds(pair[0], [b"x"], [pair[0].fileno()])
        data, fds, _, _ = socket.recv_fds(pair[1], 10, 1)
        os.close(fds[0])
        return data

    assert anywhere(main) == b"x"


def test_a_timeout_is_the_stdlibs_error(anywhere, pair):
    def main():
        pair[0].settimeout(0.001)
        with pytest.raises(TimeoutError, match="timed out") as caught:
            pair[0].recv(1)
        return type(caught.value), pair[0].gettimeout(), pair[0].timeout

    assert anywhere(main) == (TimeoutError, 0.001, 0.001)


def test_a_timeout_bounds_all_of_sendall(anywhere, pair):
    def main():
        pair[0].settimeout(0.001)
        with pytest.raises(TimeoutError):
            pair[0].sendall(bytes(10_000_000))

    anywhere(main)


@pytest.mark.parametrize("value", [None, 0.0, 2.5, 3])
def test_the_timeout_is_what_was_set(value):
    with socket.socket() as ours, stdlib_socket.socket() as control:
        for sock in ours, control:
            sock.settimeout(1.5)
            sock.settimeout(value)
        assert ours.gettimeout() == control.gettimeout()
        assert ours.timeout == control.timeout
        assert ours.getblocking() == control.getblocking()
        assert os.get_blocking(ours.fileno()) == os.get_blocking(control.fileno())


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), ("no", TypeError)])
def test_a_wrong_timeout_is_refused_as_ever(value, error):
    with socket.socket() as sock, pytest.raises(error):
        sock.settimeout(value)


def test_the_default_timeout_holds():
    socket.setdefaulttimeout(4.0)
    try:
        with socket.socket() as sock:
            assert sock.gettimeout() == 4.0
    finally:
        socket.setdefaulttimeout(None)


def test_a_socket_that_does_not_block_raises_as_ever(anywhere, pair):
    def main():
        pair[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            pair[0].recv(1)

    anywhere(main)


NOT_TO_WAIT = {
    "recv": lambda sock: sock.recv(4, socket.MSG_DONTWAIT),
    "recv_into": lambda sock: sock.recv_into(bytearray(4), 0, socket.MSG_DONTWAIT),
    "recvfrom": lambda sock: sock.recvfrom(4, socket.MSG_DONTWAIT),
    "send": lambda sock: send_for_ever(lambda: sock.send(b"x" * 4096, socket.MSG_DONTWAIT)),
    "sendall": lambda sock: send_for_ever(lambda: sock.sendall(b"x" * 4096, socket.MSG_DONTWAIT)),
    "sendmsg": (
        lambda sock: send_for_ever(lambda: sock.sendmsg([b"x" * 4096], [], socket.MSG_DONTWAIT))
    ),
}


def send_for_ever(send):
    """Sends until that raises."""
    while True:
        send()


@pytest.mark.parametrize("way", NOT_TO_WAIT)
def test_a_call_that_is_told_not_to_wait_does_not(anywhere, pair, way):
    def main():
        with pytest.raises(BlockingIOError):
            NOT_TO_WAIT[way](pair[0])

    anywhere(main)


def test_a_timeout_goes_before_a_call_that_is_told_not_to_wait(anywhere, pair):
    pair[0].settimeout(60.0)
    received, _ = anywhere(
        lambda: both_at_once(
            lambda: pair[0].recv(4, socket.MSG_DONTWAIT), lambda: pair[1].sendall(b"four")
        )
    )
    assert received == b"four"


def test_a_blocking_socket_stays_blocking_for_whoever_has_its_fd(run, pair):
    def main():
        thread = spawn(pair[0].recv, 1)
        turns()
        is_blocking = os.get_blocking(pair[0].fileno())
        pair[1].send(b"x")
        return is_blocking, thread.get()

    assert run(main) == (True, b"x")


def test_asyncios_calls_take_a_green_socket(run, pair):
    async def main():
        for sock in pair:
            sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(pair[1], b"data")
        return await loop.sock_recv(pair[0], 10)

    assert run(main) == b"data"


def test_an_os_thread_and_a_green_thread_talk(run, pair):
    def main():
        loop = asyncio.get_running_loop()
        other = loop.run_in_executor(None, lambda: pair[1].sendall(pair[1].recv(10).upper()))
        pair[0].sendall(b"hello")
        answer = pair[0].recv(10)
        mainspring.await_(other)
        return answer

    assert run(main) == b"HELLO"


def test_who_waits_for_a_socket_that_is_closed_gets_ebadf(run, pair):
    def main():
        threads = [spawn(pair[0].recv, 1), spawn(pair[0].recv, 1)]
        turns()
        pair[0].close()
        errors = []
        for thread in threads:
            with pytest.raises(OSError, match="Bad file") as caught:
                thread.get()
            errors.append(caught.value.errno)
        return errors

    assert run(main) == [errno.EBADF, errno.EBADF]


def test_a_number_that_is_used_again_at_once_brings_nothing_of_the_old_socket(run):
    def main():
        one, other = socket.socketpair()
        thread = spawn(one.recv, 1)
        turns()
        number = one.fileno()
        one.close()
        new, new_other = socket.socketpair()
        with other, new, new_other:
            assert number in (new.fileno(), new_other.fileno())
            reader = spawn(new.recv, 10)
            turns()
            other.close()
            new_other.send(b"new")
            with pytest.raises(OSError, match="Bad file"):
                thread.get()
            return reader.get()

    assert run(main) == b"new"


def test_a_detached_fd_is_nobodys(run, pair):
    def main():
        thread = spawn(pair[0].recv, 1)
        turns()
        fd = pair[0].detach()
        with pytest.raises(OSError, match="Bad file") as caught:
            thread.get()
        with socket.socket(fileno=fd) as again:
            pair[1].send(b"x")
            return caught.value.errno, again.recv(1)

    assert run(main) == (errno.EBADF, b"x")


def test_two_readers_share_what_comes(run, pair):
    def main():
        threads = [spawn(pair[0].recv, 1), spawn(pair[0].recv, 1)]
        turns()
        pair[1].send(b"ab")
        return sorted(thread.get() for thread in threads)

    assert run(main) == [b"a", b"b"]


def test_the_end_of_the_peer_wakes_who_reads_and_who_writes(run, pair):
    def main():
        pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        reader = spawn(pair[0].recv, 1)
        writer = spawn(pair[0].sendall, bytes(1_000_000))
        turns()
        pair[1].close()
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            writer.get()
        try:
            return reader.get()
        except ConnectionResetError:
            return b""

    assert run(main) == b""


@pytest.mark.parametrize("ready_first", [True, False])
def test_a_kill_that_races_with_readiness_loses_no_byte(run, pair, ready_first):
    def main():
        thread = spawn(pair[0].recv, 10)
        turns()
        if ready_first:
            pair[1].send(b"kept")
        thread.kill(block=False)
        if not ready_first:
            pair[1].send(b"kept")
        with pytest.raises(asyncio.CancelledError):
            thread.get()
        return pair[0].recv(10)

    assert run(main) == b"kept"


def test_a_time_out_that_races_with_readiness_loses_no_byte(run, pair):
    def main():
        received = []
        pair[0].settimeout(0.0001)
        for number in range(50):
            pair[1].send(b"%02d" % number)
            while True:
                try:
                    received.append(pair[0].recv(2))
                except TimeoutError:
                    continue
                break
        return b"".join(received)

    assert run(main) == b"".join(b"%02d" % number for number in range(50))


def test_a_timeout_block_ends_a_wait(run, pair):
    def main():
        with pytest.raises(Timeout), Timeout(0.001):
            pair[0].recv(1)
        pair[1].send(b"x")
        return pair[0].recv(1)

    assert run(main) == b"x"


def test_a_green_thread_whose_socket_is_always_ready_gives_way(pair):
    def main():
        order = []

        def stream():
            while "other" not in order:
                pair[0].send(b"x")
                pair[1].recv(1)

        thread = spawn(stream)
        spawn(order.append, "other")
        thread.get()
        return order

    with asyncio.Runner(loop_factory=mainspring.new_event_loop) as runner:
        assert runner.run(green(main)) == ["other"]


def test_a_refused_connection_is_the_stdlibs_error(anywhere):
    def main():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = probe.getsockname()
            with socket.socket() as sock:
                number = sock.connect_ex(address)
            with pytest.raises(ConnectionRefusedError, match="Connection refused"):
                socket.create_connection(address)
        return number

    assert anywhere(main) == errno.ECONNREFUSED


def test_a_name_is_looked_up_without_blocking_the_loop(run, monkeypatch):
    looked_up = []

    def getaddrinfo(*args, **kwargs):
        looked_up.append(threading.current_thread() is threading.main_thread())
        return original(*args, **kwargs)

    original = stdlib_socket.getaddrinfo
    monkeypatch.setattr(stdlib_socket, "getaddrinfo", getaddrinfo)
    run(lambda: socket.getaddrinfo("localhost", 80))
    assert looked_up == [False]


def test_a_literal_address_takes_no_look_up(run):
    control = stdlib_socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    assert run(lambda: socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)) == control


def test_a_file_is_sent(anywhere, pair, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(500_000))

    def send():
        with path.open("rb") as file:
            sent = pair[0].sendfile(file, 100, 400_000)
            position = file.tell()
        pair[0].shutdown(socket.SHUT_WR)
        return sent, position

    def receive():
        with pair[1].makefile("rb") as file:
            return file.read()

    (sent, position), received = anywhere(lambda: both_at_once(send, receive))
    assert (sent, position) == (400_000, 400_100)
    assert received == path.read_bytes()[100:400_100]


def test_a_file_keeps_the_socket_open(anywhere, pair):
    def main():
        file = pair[0].makefile("rb")
        pair[0].close()
        pair[1].sendall(b"line\n")
        with file:
            return file.readline()

    assert anywhere(main) == b"line\n"


def test_a_socket_of_one_loop_serves_on_another(pair):
    def main():
        thread = spawn(pair[0].recv, 1)
        turns()
        pair[1].send(b"x")
        return thread.get()

    loops = [mainspring.new_event_loop, asyncio.SelectorEventLoop, mainspring.new_event_loop]
    for factory in loops:
        with asyncio.Runner(loop_factory=factory) as runner:
            assert runner.run(green(main)) == b"x"


def test_a_reader_is_woken_at_its_own_priority(pair):
    one, other = pair
    more = socket.socketpair()

    def main():
        order = []
        low = spawn(lambda: order.append(("low", one.recv(1))), priority=Priority.LOW)
        high = spawn(lambda: order.append(("high", more[0].recv(1))), priority=Priority.HIGH)
        turns()
        other.send(b"x")
        more[1].send(b"x")
        low.get()
        high.get()
        return order

    with more[0], more[1], asyncio.Runner(loop_factory=mainspring.new_event_loop) as runner:
        assert runner.run(green(main)) == [("high", b"x"), ("low", b"x")]


def test_a_killed_reader_gets_a_greenlet_exit(run, pair):
    def main():
        seen = []

        def receive():
            try:
                pair[0].recv(1)
            except GreenletExit as exc:
                seen.append(type(exc))
                raise

        thread = spawn(receive)
        turns()
        thread.kill()
        return seen

    assert run(main) == [GreenletExit]


def test_every_public_name_of_the_stdlib_is_there():
    public = {name for name in vars(stdlib_socket) if not name.startswith("_")}
    assert public <= set(vars(socket))
    replaced = {n for n in public if getattr(socket, n) is not getattr(stdlib_socket, n)}
    assert replaced == {n for n in socket.__implements__ if not n.startswith("_")}
