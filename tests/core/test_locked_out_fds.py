"""Fds of a level that is locked out: no news is lost, none is polled for more than once a turn.

The pollers are the system's, so that what is level-triggered is so; the clock is a fake one, so
that nobody's patience ends.
"""

import socket
from contextlib import ExitStack

import pytest

import mainspring
from mainspring.core.epoll import EpollPoller
from mainspring.core.poll import PollPoller
from tests.core.fakes import DEFAULT, HIGH, IDLE, LOW, FakeClock

TURNS = 100
# More than one array of events holds, which is 256 at first.
MANY = 300


@pytest.fixture(params=[EpollPoller, PollPoller])
def loop(request):
    made = mainspring.Loop(poller=request.param(), clock=FakeClock())
    yield made
    made.close()


@pytest.fixture
def pairs(loop):
    """Makes pairs of connected sockets: one to watch, one to write to."""
    with ExitStack() as made:

        def make(count):
            found = [socket.socketpair() for _ in range(count)]
            for one, other in found:
                made.enter_context(one)
                made.enter_context(other)
                one.setblocking(False)
                made.callback(loop.remove_reader, one)
            return found

        yield make


class Hog:
    """Keeps a level busy until it is told to end."""

    def __init__(self, loop):
        self.loop = loop
        self.is_over = False
        self.call()

    def call(self):
        if not self.is_over:
            self.loop.call_soon(self.call)


def run_turns(loop, turns=TURNS):
    for _ in range(turns):
        loop.step()


@pytest.mark.parametrize("level", [LOW, IDLE])
def test_a_ready_fd_that_is_locked_out_costs_no_more_polls_and_is_queued_once(loop, pairs, level):
    ((ours, theirs),) = pairs(1)
    ran = []
    loop.add_reader(ours, ran.append, "ready", priority=level)
    theirs.send(b"x")
    Hog(loop)
    run_turns(loop)
    stats = loop.scheduler_stats()
    assert ran == []
    assert (stats.polls.looks, stats.polls.sleeps, stats.polls.empty) == (TURNS, 0, 0)
    assert (stats[level].queued, stats[level].queued_max) == (1, 1)


@pytest.mark.parametrize("level", [LOW, IDLE])
def test_news_that_came_while_an_fd_was_locked_out_is_all_there_afterwards(loop, pairs, level):
    ((ours, theirs),) = pairs(1)
    received = []
    loop.add_reader(ours, lambda: received.append(ours.recv(100)), priority=level)
    hog = Hog(loop)
    for _ in range(3):
        theirs.send(b"x")
        run_turns(loop, 10)
    hog.is_over = True
    run_turns(loop, 3)
    assert received == [b"xxx"]
    theirs.send(b"y")
    loop.step()
    assert received == [b"xxx", b"y"]


def test_an_fd_whose_news_somebody_else_took_meanwhile_finds_nothing_and_is_not_called_again(
    loop, pairs
):
    ((ours, theirs),) = pairs(1)
    found = []

    def look():
        try:
            found.append(ours.recv(100))
        except BlockingIOError:
            found.append(None)

    loop.add_reader(ours, look, priority=LOW)
    theirs.send(b"x")
    hog = Hog(loop)
    run_turns(loop, 10)
    ours.recv(100)
    hog.is_over = True
    run_turns(loop, 10)
    assert found == [None]


@pytest.mark.parametrize("level", [DEFAULT, HIGH])
def test_very_many_ready_fds_that_are_locked_out_starve_no_other_fd(loop, pairs, level):
    ran = []
    for ours, theirs in pairs(MANY):
        loop.add_reader(ours, ran.append, "low", priority=LOW)
        theirs.send(b"x")
    ((ours, theirs),) = pairs(1)
    loop.add_reader(ours, lambda: ran.append(ours.recv(1)), priority=level)
    Hog(loop)
    for _ in range(10):
        theirs.send(b"y")
        # A poll whose array was full has left some for the next.
        run_turns(loop, 2)
    assert ran == [b"y"] * 10
    assert loop.scheduler_stats()[LOW].queued == MANY


def test_very_many_ready_fds_delay_another_by_one_batch_when_they_are_not_locked_out(loop, pairs):
    ran = []
    for ours, theirs in pairs(MANY):
        loop.add_reader(ours, ran.append, "low", priority=LOW)
        theirs.send(b"x")
    ((ours, theirs),) = pairs(1)
    loop.add_reader(ours, lambda: ran.append(ours.recv(1)))
    run_turns(loop, 3)
    ran.clear()
    theirs.send(b"y")
    loop.step()
    assert ran == [b"y"]
