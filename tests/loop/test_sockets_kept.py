"""A socket that was received from stays registered, and that is nobody's business.

Neither the loop spins on what comes while nobody waits, nor does a number that the user closed
without a word to the loop hold back, or hear for, whoever has it next.
"""

import asyncio
import contextlib
import gc
import socket
import weakref

import pytest

import mainspring
from mainspring.core.epoll import EpollPoller
from mainspring.core.poll import PollPoller


class CountingPoller(EpollPoller):
    """Counts the registrations."""

    count_of_set = 0

    def set(self, fd, mask, registered, generation):
        self.count_of_set += 1
        return super().set(fd, mask, registered, generation)


@pytest.fixture(params=[EpollPoller, PollPoller], ids=["epoll", "poll"])
def ours(request):
    """Our loop on each poller."""
    made = mainspring.Loop(poller=request.param())
    yield made
    made.close()


def new_pair():
    """Returns two connected non-blocking sockets."""
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
    return pair


async def receive(loop, sock, peer, data=b"x"):
    """Has a socket wait, and be kept registered when it has received."""
    receiving = asyncio.ensure_future(loop.sock_recv(sock, 100))
    await asyncio.sleep(0)
    peer.send(data)
    assert await receiving == data


def iterations_of(loop, done):
    """Counts the iterations until a list is not empty."""
    count = 0
    while not done:
        loop.step(may_sleep=True)
        count += 1
        assert count < 100, "the loop spins"
    return count


def test_a_conversation_registers_its_sockets_once(pair):
    async def main():
        await receive(loop, *pair)
        before = poller.count_of_set
        for _ in range(10):
            await receive(loop, *pair)
        return poller.count_of_set - before

    poller = CountingPoller()
    loop = mainspring.Loop(poller=poller)
    assert loop.run_until_complete(main()) == 0
    loop.close()


def test_accepting_registers_the_listening_socket_once():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)

            async def accept():
                accepting = asyncio.ensure_future(loop.sock_accept(listening))
                await asyncio.sleep(0)
                with socket.create_connection(listening.getsockname()):
                    (await accepting)[0].close()

            await accept()
            before = poller.count_of_set
            for _ in range(10):
                await accept()
            return poller.count_of_set - before

    poller = CountingPoller()
    loop = mainspring.Loop(poller=poller)
    assert loop.run_until_complete(main()) == 0
    loop.close()


def test_what_came_while_nobody_waited_is_received(ours, pair):
    async def main():
        await receive(ours, *pair)
        pair[1].send(b"early")
        for _ in range(5):
            await asyncio.sleep(0)
        assert await ours.sock_recv(pair[0], 100) == b"early"
        await receive(ours, *pair)

    ours.run_until_complete(main())


def test_what_comes_while_nobody_waits_makes_the_loop_turn_no_more_than_once(ours, pair):
    ours.run_until_complete(receive(ours, *pair))
    pair[1].send(b"x")
    timer = []
    ours.call_later(0.001, timer.append, 1)
    assert iterations_of(ours, timer) < 5


def test_a_burst_is_received_whole(ours, pair):
    async def main():
        await receive(ours, *pair)
        for number in range(20):
            pair[1].send(b"%02d" % number)
        return [await ours.sock_recv(pair[0], 2) for _ in range(20)]

    assert ours.run_until_complete(main()) == [b"%02d" % number for number in range(20)]


def test_the_end_of_the_peer_is_told_each_time(ours, pair):
    async def main():
        await receive(ours, *pair)
        pair[1].close()
        return [await ours.sock_recv(pair[0], 10) for _ in range(3)]

    assert ours.run_until_complete(main()) == [b""] * 3


def test_a_cancelled_receive_leaves_the_data_to_the_next(ours, pair):
    async def main():
        await receive(ours, *pair)
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 100))
        await asyncio.sleep(0)
        pair[1].send(b"data")
        receiving.cancel()
        await asyncio.wait([receiving])
        assert await ours.sock_recv(pair[0], 100) == b"data"

    ours.run_until_complete(main())


def test_two_receive_at_once(ours, pair):
    async def main():
        await receive(ours, *pair)
        both = [asyncio.ensure_future(ours.sock_recv(pair[0], 1)) for _ in range(2)]
        await asyncio.sleep(0)
        pair[1].send(b"ab")
        assert sorted(await asyncio.gather(*both)) == [b"a", b"b"]
        await receive(ours, *pair)

    ours.run_until_complete(main())


def test_a_readers_place_is_free(ours, pair):
    async def main():
        await receive(ours, *pair)
        assert ours.remove_reader(pair[0]) is False
        seen = asyncio.Event()
        ours.add_reader(pair[0], seen.set)
        pair[1].send(b"x")
        await seen.wait()
        assert ours.remove_reader(pair[0]) is True
        assert await ours.sock_recv(pair[0], 10) == b"x"
        await receive(ours, *pair)

    ours.run_until_complete(main())


def test_a_reader_and_a_receive_hear_beside_each_other(ours, pair):
    async def main():
        seen = asyncio.Event()
        ours.add_reader(pair[0], seen.set)
        await receive(ours, *pair)
        await receive(ours, *pair)
        assert seen.is_set()
        ours.remove_reader(pair[0])
        await receive(ours, *pair)

    ours.run_until_complete(main())


def test_a_send_that_waits_does_not_disturb_a_receive(ours, pair):
    async def main():
        await receive(ours, *pair)
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 10))
        sending = asyncio.ensure_future(ours.sock_sendall(pair[0], bytes(5_000_000)))
        await asyncio.sleep(0)
        received = 0
        while received < 5_000_000:
            received += len(await ours.sock_recv(pair[1], 1 << 20))
        await sending
        pair[1].send(b"x")
        assert await receiving == b"x"

    ours.run_until_complete(main())


def test_the_loop_does_not_keep_the_socket_alive(ours):
    one, other = new_pair()
    ours.run_until_complete(receive(ours, one, other))
    one.close()
    watch = weakref.ref(one)
    del one
    gc.collect()
    assert watch() is None
    other.close()


@pytest.fixture(params=[False, True], ids=["closed", "closed, with a copy elsewhere"])
def vacated(request, ours):
    """A number that was kept registered and closed without a word to the loop, and its peer.

    Where a copy of the file lives on, the system goes on to report the number for it.
    """
    one, other = new_pair()
    ours.run_until_complete(receive(ours, one, other))
    number = one.fileno()
    copies = [one.dup()] if request.param else []
    one.close()
    yield number, other
    for sock in (*copies, other):
        sock.close()


def pair_at(number):
    """Returns a connected pair, the first of which has a number."""
    one, other = new_pair()
    assert number in (one.fileno(), other.fileno())
    return (one, other) if one.fileno() == number else (other, one)


class TestANumberThatWasClosedWithoutAWord:
    def test_serves_the_next_sockets_receives(self, ours, vacated):
        number, _ = vacated
        new, peer = pair_at(number)
        with new, peer:
            for _ in range(3):
                ours.run_until_complete(receive(ours, new, peer))

    def test_hears_nothing_of_the_file_before(self, ours, vacated):
        number, before = vacated
        new, peer = pair_at(number)
        with new, peer:

            async def main():
                receiving = asyncio.ensure_future(ours.sock_recv(new, 10))
                await asyncio.sleep(0)
                with contextlib.suppress(BrokenPipeError):
                    before.send(b"for the file before")
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not receiving.done()
                peer.send(b"mine")
                assert await receiving == b"mine"

            ours.run_until_complete(main())

    def test_serves_a_reader(self, ours, vacated):
        number, _ = vacated
        new, peer = pair_at(number)
        seen = []
        with new, peer:
            ours.add_reader(new, lambda: seen.append(new.recv(10)))
            peer.send(b"mine")
            iterations_of(ours, seen)
            assert seen == [b"mine"]
            ours.remove_reader(new)

    def test_serves_a_transport(self, ours, vacated):
        number, _ = vacated
        new, peer = pair_at(number)
        received = []

        class Noting(asyncio.Protocol):
            def data_received(self, data):
                received.append(data)

            def connection_lost(self, exc):
                lost.set_result(exc)

        async def main():
            transport, _ = await ours.create_connection(Noting, sock=new)
            peer.send(b"mine")
            while not received:
                await asyncio.sleep(0)
            assert received == [b"mine"]
            transport.close()
            assert await lost is None
            await asyncio.sleep(0)

        with peer:
            lost = ours.create_future()
            ours.run_until_complete(main())

    def test_makes_the_loop_turn_for_nobody(self, ours, vacated):
        _, before = vacated
        with contextlib.suppress(BrokenPipeError):
            before.send(b"x")
        timer = []
        ours.call_later(0.001, timer.append, 1)
        assert iterations_of(ours, timer) < 8

    def test_may_be_another_kind_of_file(self, ours, vacated, tmp_path):
        number, _ = vacated
        with open(tmp_path / "log", "w") as log:
            assert log.fileno() == number
            timer = []
            ours.call_later(0.001, timer.append, 1)
            assert iterations_of(ours, timer) < 8


def test_a_receive_that_waits_on_a_socket_being_closed_does_not_stop_the_next_of_its_number(ours):
    one, other = new_pair()
    number = one.fileno()

    async def main():
        await receive(ours, one, other)
        forgotten = asyncio.ensure_future(ours.sock_recv(one, 10))
        await asyncio.sleep(0)
        one.close()
        new, peer = pair_at(number)
        with new, peer:
            await receive(ours, new, peer)
            await receive(ours, new, peer)
        forgotten.cancel()
        await asyncio.wait([forgotten])

    ours.run_until_complete(main())
    other.close()


def test_a_number_that_changes_hands_often_serves_each_in_turn(ours):
    async def main():
        for turn in range(30):
            one, other = new_pair()
            await receive(ours, one, other, b"%d" % turn)
            if turn % 3 == 0:
                other.send(b"never read")
            one.close()
            other.close()

    ours.run_until_complete(main())


def test_a_datagram_socket_is_kept_too():
    async def main():
        with socket.socket(type=socket.SOCK_DGRAM) as ours:
            ours.bind(("127.0.0.1", 0))
            ours.setblocking(False)

            async def turn():
                receiving = asyncio.ensure_future(loop.sock_recvfrom(ours, 100))
                await asyncio.sleep(0)
                await loop.sock_sendto(ours, b"x", ours.getsockname())
                assert await receiving == (b"x", ours.getsockname())

            await turn()
            before = poller.count_of_set
            for _ in range(10):
                await turn()
            return poller.count_of_set - before

    poller = CountingPoller()
    loop = mainspring.Loop(poller=poller)
    assert loop.run_until_complete(main()) == 0
    loop.close()


def test_what_only_has_the_methods_of_a_socket_works_unkept(ours):
    class Like:
        __slots__ = ("sock",)

        def __init__(self, sock):
            self.sock = sock

        def __getattr__(self, name):
            return getattr(self.sock, name)

    async def main():
        one, other = new_pair()
        with one, other:
            like = Like(one)
            for _ in range(3):
                await receive(ours, like, other)

    ours.run_until_complete(main())
