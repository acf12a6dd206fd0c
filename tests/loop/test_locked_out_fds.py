"""Low fds that are ready all the time while more urgent work locks them out, on real pollers."""

import socket

import pytest

import mainspring
from mainspring import Priority
from mainspring.core.poll import PollPoller
from tests.core.fakes import LOW

try:
    from mainspring.core.epoll import EpollPoller
except ImportError:
    POLLERS = [PollPoller]
else:
    POLLERS = [EpollPoller, PollPoller]

# More than a poller reports at once to begin with.
MANY = 300
TURNS = 50


def counting(poller):
    """Returns a class of pollers that count their waits, each of which is one system call."""

    class Counting(poller):
        def __init__(self):
            self.waits = 0

        def wait(self, timeout, release_gil):
            self.waits += 1
            return super().wait(timeout, release_gil)

    return Counting


class Scene:
    """A loop, many LOW fds with a byte to read, and DEFAULT work that never ends."""

    def __init__(self, poller):
        self.poller = counting(poller)()
        self.loop = mainspring.Loop(poller=self.poller)
        self.pairs = [socket.socketpair() for _ in range(MANY)]
        self.read = []
        self.turns = 0
        for reader, writer in self.pairs:
            reader.setblocking(False)
            writer.send(b"x")
            self.loop.add_reader(reader, self.receive, reader, priority=LOW)

    def close(self):
        self.loop.close()
        for pair in self.pairs:
            for sock in pair:
                sock.close()

    def receive(self, reader):
        self.read.append((reader.fileno(), reader.recv(10)))

    def busy(self):
        self.turns += 1
        if self.turns < TURNS:
            self.loop.call_soon(self.busy)

    def steps(self, count):
        for _ in range(count):
            self.loop.step()


@pytest.fixture(params=POLLERS, ids=lambda poller: poller.__name__)
def scene(request):
    made = Scene(request.param)
    yield made
    made.close()


def test_an_fd_whose_turn_never_came_is_not_called_after_its_reader_was_removed(scene):
    scene.loop.call_soon(scene.busy)
    scene.steps(5)
    for reader, _ in scene.pairs:
        scene.loop.remove_reader(reader)
    scene.steps(TURNS)
    assert (scene.turns, scene.read) == (TURNS, [])


def test_idle_fds_are_served_one_a_poll(scene):
    for reader, _ in scene.pairs:
        scene.loop.add_reader(reader, scene.receive, reader, priority=Priority.IDLE)
    scene.steps(20)
    assert len(scene.read) == 20
    assert scene.poller.waits == 20
