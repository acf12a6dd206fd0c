"""The pollers, through a loop: the same tests for epoll and for poll."""

import os
import socket
import sys
import threading

import pytest

import mainspring
from mainspring.core.epoll import EpollPoller
from mainspring.core.poll import PollPoller
from mainspring.core.poller import Poller


@pytest.fixture(params=[EpollPoller, PollPoller])
def poller(request):
    return request.param()


@pytest.fixture
def loop(poller):
    made = mainspring.Loop(poller=poller)
    yield made
    made.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def fill(sock, write=socket.socket.send):
    """Writes until there is no more room."""
    try:
        while True:
            write(sock, bytes(65536))
    except BlockingIOError:
        pass


def drain(sock):
    """Receives until the socket is no longer readable."""
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        pass


def test_a_poller_answers_the_four_functions(poller):
    assert isinstance(poller, Poller)
    assert poller.wait(0, False) == 0
    assert poller.close() == 0
    assert poller.close() == 0


def test_an_fd_is_reported_while_it_is_readable(loop, pair):
    seen = []
    loop.add_reader(pair[0], seen.append, "readable")
    loop.step()
    assert seen == []
    pair[1].send(b"x")
    loop.step()
    loop.step()
    assert seen == ["readable"] * 2
    pair[0].recv(1)
    loop.step()
    assert seen == ["readable"] * 2


def test_an_fd_is_reported_while_it_is_writable(loop, pair):
    seen = []
    fill(pair[0])
    loop.add_writer(pair[0], seen.append, "writable")
    loop.step()
    assert seen == []
    drain(pair[1])
    loop.step()
    assert seen == ["writable"]


def test_an_fd_that_is_ready_both_ways_is_reported_both_ways(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], seen.append, "reader")
    loop.add_writer(pair[0], seen.append, "writer")
    loop.step()
    assert sorted(seen) == ["reader", "writer"]


def test_a_loop_closes_though_a_watched_fd_was_closed_before(loop, pair):
    loop.add_reader(pair[0], print)
    loop.add_writer(pair[0], print)
    pair[0].close()
    loop.close()
    assert loop.is_closed()


def test_each_side_of_an_fd_that_was_closed_can_be_removed(loop, pair):
    fd = pair[0].fileno()
    loop.add_reader(fd, print)
    loop.add_writer(fd, print)
    pair[0].close()
    assert loop.remove_reader(fd) is True
    assert loop.remove_writer(fd) is True
    assert loop.remove_reader(fd) is False


def test_each_side_of_an_fd_ends_by_itself(loop, pair):
    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], seen.append, "reader")
    loop.add_writer(pair[0], seen.append, "writer")
    loop.remove_reader(pair[0])
    loop.step()
    assert seen == ["writer"]
    loop.remove_writer(pair[0])
    loop.step()
    assert seen == ["writer"]


def test_an_end_of_file_is_readable(loop, pair):
    seen = []
    loop.add_reader(pair[0], seen.append, "readable")
    pair[1].close()
    loop.step()
    assert seen == ["readable"]


def test_a_hang_up_is_news_for_the_writer_too(loop, pair):
    seen = []
    fill(pair[0])
    loop.add_writer(pair[0], seen.append, "writer")
    pair[1].close()
    loop.step()
    assert seen == ["writer"]


def test_a_pipe_without_a_reader_is_news_for_its_writer(loop):
    seen = []
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        fill(writer, os.write)
        loop.add_writer(writer, seen.append, "writer")
        loop.step()
        assert seen == []
        os.close(reader)
        loop.step()
        assert seen == ["writer"]
        loop.remove_writer(writer)
    finally:
        os.close(writer)


def test_an_fd_that_is_not_open_is_refused_and_not_remembered(loop):
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with pytest.raises(OSError, match=r"\[Errno 9\]"):
        loop.add_reader(reader, print)
    assert loop.remove_reader(reader) is False


def test_more_fds_are_reported_at_once_than_one_array_of_events_holds(loop):
    # Both arrays of events begin with room for 256; one wait may report as many as it can.
    pairs = [socket.socketpair() for _ in range(300)]
    try:
        seen = set()
        for number, (ours, theirs) in enumerate(pairs):
            loop.add_reader(ours, seen.add, number)
            theirs.send(b"x")
        loop.step()
        loop.step()
        assert seen == set(range(300))
        for ours, _ in pairs:
            loop.remove_reader(ours)
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_the_others_are_still_reported_after_one_fd_ended(loop, victim):
    pairs = [socket.socketpair() for _ in range(3)]
    try:
        seen = []
        for number, (ours, theirs) in enumerate(pairs):
            loop.add_reader(ours, seen.append, number)
            theirs.send(b"x")
        loop.remove_reader(pairs[victim][0])
        loop.step()
        assert sorted(seen) == [number for number in range(3) if number != victim]
        for ours, _ in pairs:
            loop.remove_reader(ours)
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


def test_a_number_that_was_closed_and_reused_is_reported_for_its_new_file(loop):
    seen = []
    reader, writer = os.pipe()
    loop.add_reader(reader, seen.append, "old")
    loop.remove_reader(reader)
    os.close(reader)
    os.close(writer)
    new_reader, new_writer = os.pipe()
    try:
        assert new_reader == reader
        loop.add_reader(new_reader, seen.append, "new")
        loop.step()
        assert seen == []
        os.write(new_writer, b"x")
        loop.step()
        assert seen == ["new"]
        loop.remove_reader(new_reader)
    finally:
        os.close(new_reader)
        os.close(new_writer)


def test_a_timer_ends_the_sleep_and_not_before_its_time(loop):
    ran_at = []
    timer = loop.call_later(0.02, lambda: ran_at.append(loop.time()))
    while not ran_at:
        loop.step(may_sleep=True)
    assert ran_at[0] >= timer.when()


def test_a_callback_from_another_thread_ends_the_sleep(loop):
    seen = []

    def send():
        loop.call_soon_threadsafe(seen.append, "sent")
        loop.call_soon_threadsafe(loop.stop)

    loop.call_later(float("inf"), seen.append, "never")
    loop.call_soon(lambda: thread.start())
    thread = threading.Thread(target=send)
    loop.run_forever()
    thread.join()
    assert seen == ["sent"]


def test_io_that_another_thread_causes_ends_the_sleep(loop, pair):
    def read():
        seen.append(pair[0].recv(1))
        loop.stop()

    seen = []
    loop.add_reader(pair[0], read)
    thread = threading.Thread(target=pair[1].send, args=(b"x",))
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert seen == [b"x"]


def test_a_coroutine_runs_on_either_poller(loop, pair):
    async def main():
        await loop.sock_sendall(pair[0], b"hello")
        return await loop.sock_recv(pair[1], 100)

    assert loop.run_until_complete(main()) == b"hello"


def test_the_interface_itself_refuses_to_work():
    with pytest.raises(NotImplementedError):
        Poller().set(5, 1, 0, 0)
    with pytest.raises(NotImplementedError):
        Poller().wait(0, False)
    with pytest.raises(NotImplementedError):
        Poller().reset()


def test_an_error_of_a_poller_comes_out_of_the_run():
    class Broken(Poller):
        def set(self, fd, mask, registered, generation):
            return 0

        def wait(self, timeout, release_gil):
            raise OSError("the poll failed")

    loop = mainspring.Loop(poller=Broken())
    with pytest.raises(OSError, match="the poll failed"):
        loop.run_forever()
    assert not loop.is_running()
    loop.close()


def test_a_loop_takes_the_best_poller_of_the_system_by_itself(monkeypatch):
    monkeypatch.setitem(sys.modules, "mainspring.core.epoll", None)
    loop = mainspring.new_event_loop()

    async def main():
        return "ran without epoll"

    assert loop.run_until_complete(main()) == "ran without epoll"
    loop.close()
