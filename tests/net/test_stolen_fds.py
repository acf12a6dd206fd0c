"""fds that somebody closes under their transport, and fds that the system has no room to watch.

Both are mistakes or shortages of one connection. Whatever the system says then, that connection
ends and is told so, and the loop goes on.
"""

import errno
import os

import pytest

from mainspring import Loop
from mainspring.core.epoll import EpollPoller

from .support import Recorder, make_small, receive_all, step, tcp_pair


class Full(EpollPoller):
    """epoll in a system that lets nobody watch more, from when it is told."""

    def __init__(self):
        self.refused = 0

    def set(self, fd, mask, registered, generation):
        if mask & self.refused & ~registered:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().set(fd, mask, registered, generation)


READ, WRITE = 1, 2


@pytest.fixture
def full():
    return Full()


@pytest.fixture
def full_loop(full, reported):
    loop = Loop(poller=full)
    loop.set_exception_handler(lambda _, context: reported.append(context))
    yield loop
    loop.close()


def replace(transport):
    """Has another file take the number of a transport's socket."""
    with open(os.devnull, "rb") as other:
        os.dup2(other.fileno(), transport.get_extra_info("socket").fileno())


@pytest.mark.parametrize("ways", [["close"], ["abort"], ["pause_reading", "close"]])
def test_a_connection_whose_number_is_another_files_ends_all_the_same(ways, bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        replace(transport)
        for way in ways:
            getattr(transport, way)()
        assert await protocol.lost() is None

    run(main())


def test_a_write_to_a_number_that_is_another_files_ends_the_connection(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        replace(transport)
        transport.write(b"x")
        assert (await protocol.lost()).errno == errno.ENOTSOCK

    run(main())


def test_what_waits_for_room_is_given_up_when_the_number_is_another_files(our_bench, our_run):
    async def main():
        transport, protocol, _ = await our_bench.connect(small=True)
        transport.write(bytes(1 << 20))
        replace(transport)
        transport.abort()
        assert await protocol.lost() is None

    our_run(main())


def test_a_number_that_was_closed_in_connection_made_ends_the_connection(
    our_bench, our_run, reported
):
    class Closing(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            os.close(transport.get_extra_info("socket").fileno())

    async def main():
        _, protocol, _ = await our_bench.connect(Closing())
        assert (await protocol.lost()).errno == errno.EBADF

    our_run(main())
    step(our_bench.loop)
    assert reported.messages() == [
        "Fatal error: the connection can't be watched",
        "Exception while closing the connection",
    ]


def test_a_connection_that_can_not_be_watched_is_reported_and_ended(full, full_loop, reported):
    def make():
        full.refused = READ
        return Recorder()

    ours, peer = tcp_pair()
    with peer:
        _, protocol = full_loop.run_until_complete(full_loop.create_connection(make, sock=ours))
        full.refused = 0
        step(full_loop)
        assert [event if isinstance(event, str) else event[0] for event in protocol.events] == [
            "made",
            "lost",
        ]
        assert receive_all(peer) == b""
    assert reported.messages() == ["Fatal error: the connection can't be watched"]


def test_a_connection_that_can_not_be_watched_for_room_is_reported_and_ended(
    full, full_loop, reported
):
    ours, peer = tcp_pair()
    make_small(ours, peer)
    with peer:
        transport, protocol = full_loop.run_until_complete(
            full_loop.create_connection(Recorder, sock=ours)
        )
        full.refused = WRITE
        transport.write(bytes(1 << 20))
        step(full_loop)
        assert protocol.lost_with()[0][1].errno == errno.ENOSPC
        assert transport.get_write_buffer_size() == 0
    assert reported.messages() == ["Fatal error: the connection can't be watched"]
