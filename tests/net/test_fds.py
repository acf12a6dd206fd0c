"""fds that come and go under the loop: numbers reused at once, closed in a callback, or elsewhere.

The worst that can happen here is that one connection is told of another's events. The tests step
the loop, so that what they do falls into one and the same batch.
"""

import os

import pytest

from mainspring import Loop
from mainspring.core.epoll import EpollPoller
from mainspring.core.poll import PollPoller

from .support import (
    Recorder,
    await_readable,
    next_iteration,
    no_fd_left,
    pair_at,
    receive_all,
    step,
    tcp_pair,
)


class Counting(EpollPoller):
    """epoll, with a count of the events that each look found."""

    def __init__(self):
        self.found = []

    def wait(self, timeout, release_gil):
        count = super().wait(timeout, release_gil)
        self.found.append(count)
        return count


@pytest.fixture(params=[EpollPoller, PollPoller], ids=["epoll", "poll"])
def polled_loop(request):
    """Our loop on each of its pollers."""
    loop = Loop(poller=request.param())
    yield loop
    loop.close()


def both_ready(*pairs):
    for mine, far in pairs:
        far.sendall(b"x")
        await_readable(mine)


def test_a_reader_may_close_its_fd(polled_loop):
    mine, far = tcp_pair()
    calls = []

    def close():
        calls.append("called")
        polled_loop.remove_reader(mine)
        mine.close()

    with far:
        polled_loop.add_reader(mine, close)
        both_ready((mine, far))
        for _ in range(3):
            polled_loop.step()
    assert calls == ["called"]


def test_of_two_that_are_ready_the_one_that_runs_may_end_the_other(polled_loop):
    pairs = [tcp_pair(), tcp_pair()]
    calls = []

    def end_both():
        calls.append("called")
        for mine, _ in pairs:
            polled_loop.remove_reader(mine)
            mine.close()

    for mine, _ in pairs:
        polled_loop.add_reader(mine, end_both)
    both_ready(*pairs)
    for _ in range(3):
        polled_loop.step()
    assert calls == ["called"]
    for _, far in pairs:
        far.close()


def test_a_number_reused_in_the_batch_gets_no_event_of_the_file_before(polled_loop):
    pairs = [tcp_pair(), tcp_pair()]
    calls = []
    opened = []

    def replace(index):
        calls.append("old")
        victim, _ = pairs[1 - index]
        number = victim.fileno()
        polled_loop.remove_reader(victim)
        victim.close()
        mine, far = pair_at(number)
        opened.extend([mine, far])
        polled_loop.add_reader(mine, calls.append, "new")

    for index, (mine, _) in enumerate(pairs):
        polled_loop.add_reader(mine, replace, index)
    both_ready(*pairs)
    polled_loop.step()
    assert calls == ["old"]
    # From here on it is the new file's.
    for mine, _ in pairs:
        if mine.fileno() >= 0:
            polled_loop.remove_reader(mine)
    polled_loop.step()
    assert calls == ["old"]
    both_ready(tuple(opened))
    polled_loop.step()
    assert calls == ["old", "new"]
    polled_loop.remove_reader(opened[0])
    for sock in (*opened, *pairs[0], *pairs[1]):
        sock.close()


def test_a_connection_that_is_aborted_in_the_batch_is_told_of_nothing_more(our_bench, our_run):
    class Killer(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.other.transport.abort()

    async def connected():
        first, second = Killer(), Killer()
        first.other, second.other = second, first
        peers = [(await our_bench.connect(protocol))[2] for protocol in (first, second)]
        return (first, second), peers

    protocols, peers = our_run(connected())
    socks = [protocol.transport.get_extra_info("socket") for protocol in protocols]
    both_ready(*zip(socks, peers, strict=True))
    for _ in range(3):
        step(our_bench.loop)
    events = [protocol.events for protocol in protocols]
    # The one that was killed has no data, though its event was in the same batch.
    assert sorted(events, key=str) == [["made", "data"], ["made", ("lost", None)]]


def test_a_new_connection_with_the_number_of_an_old_one_gets_only_its_own_data(bench, run):
    async def main():
        ours, peer = bench.pair()
        number = ours.fileno()
        old = Recorder()
        transport, _ = await bench.loop.create_connection(lambda: old, sock=ours)
        peer.sendall(b"for the old one")
        await_readable(ours)
        transport.abort()
        await old.lost()
        await next_iteration(bench.loop)
        mine, far = pair_at(number)
        bench.peers.append(far)
        new = Recorder()
        transport, _ = await bench.loop.create_connection(lambda: new, sock=mine)
        bench.transports.append(transport)
        far.sendall(b"for the new one")
        assert await new.receives(15) == b"for the new one"
        assert old.received == b""

    run(main())


def test_what_an_old_connection_had_to_send_does_not_reach_the_new_one(bench, run):
    async def main():
        ours, peer = bench.pair(small=True)
        number = ours.fileno()
        transport, old = await bench.loop.create_connection(Recorder, sock=ours)
        transport.write(b"old" * 100_000)
        transport.abort()
        transport.write(b"old")
        await old.lost()
        await next_iteration(bench.loop)
        mine, far = pair_at(number)
        bench.peers.append(far)
        fresh, _ = await bench.loop.create_connection(Recorder, sock=mine)
        transport.write(b"old")
        transport.close()
        fresh.write(b"new")
        fresh.close()
        assert await bench.loop.run_in_executor(None, receive_all, far) == b"new"
        assert len(await bench.loop.run_in_executor(None, receive_all, peer)) < 300_000

    run(main())


def test_a_reader_left_behind_on_a_closed_number_does_not_deafen_its_next_owner(our_bench, our_run):
    """The caller forgot `remove_reader`; the number's next owner is a transport."""

    async def main():
        mine, far = tcp_pair()
        number = mine.fileno()
        our_bench.loop.add_reader(mine, print, "never")
        mine.close()
        far.close()
        ours, peer = pair_at(number)
        our_bench.peers.append(peer)
        transport, protocol = await our_bench.loop.create_connection(Recorder, sock=ours)
        our_bench.transports.append(transport)
        peer.sendall(b"x")
        assert await protocol.receives(1) == b"x"

    our_run(main())


def test_a_transport_takes_the_place_of_a_reader_of_its_socket(bench, run):
    async def main():
        ours, peer = bench.pair()
        calls = []
        bench.loop.add_reader(ours, calls.append, "called")
        transport, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        bench.transports.append(transport)
        peer.sendall(b"x")
        assert await protocol.receives(1) == b"x"
        assert calls == []

    run(main())


def test_a_file_that_lives_on_in_a_copy_does_not_keep_the_loop_awake():
    """The system goes on reporting a file whose number is closed while a copy of it is open."""
    poller = Counting()
    loop = Loop(poller=poller)
    mine, far = tcp_pair()
    other, other_far = tcp_pair()
    calls = []
    loop.add_reader(other, calls.append, "other")
    loop.add_reader(mine, calls.append, "mine")
    copy = os.dup(mine.fileno())
    number = mine.fileno()
    mine.close()  # behind the loop's back
    loop.remove_reader(number)
    far.sendall(b"x")
    await_readable(copy)
    for _ in range(5):
        loop.step()
    assert calls == []
    assert poller.found[-3:] == [0, 0, 0]
    other_far.sendall(b"x")
    await_readable(other)
    loop.step()
    assert calls == ["other"]
    loop.remove_reader(other)
    loop.close()
    os.close(copy)
    for sock in (far, other, other_far):
        sock.close()


def test_what_lives_on_in_a_copy_is_left_behind_where_no_fd_is_left():
    poller = Counting()
    loop = Loop(poller=poller)
    mine, far = tcp_pair()
    keep, keep_far = tcp_pair()
    number = mine.fileno()
    loop.add_reader(mine, print)
    loop.add_reader(keep, print)  # so that there is something to look at
    copy = os.dup(number)
    mine.close()  # behind the loop's back
    loop.remove_reader(number)

    async def look():
        with no_fd_left():
            far.sendall(b"x")
            await_readable(copy)
            await next_iteration(loop)

    loop.run_until_complete(look())
    assert 1 in poller.found
    assert poller.found[-1] == 0
    loop.close()
    os.close(copy)
    for sock in (far, keep, keep_far):
        sock.close()


def test_a_connection_that_lives_on_in_a_copy_is_not_looked_at_any_more():
    poller = Counting()
    loop = Loop(poller=poller)
    mine, far = tcp_pair()
    transport, protocol = loop.run_until_complete(loop.create_connection(Recorder, sock=mine))
    copy = os.dup(mine.fileno())
    transport.abort()
    loop.step()
    assert protocol.events == ["made", ("lost", None)]
    far.sendall(b"x")
    await_readable(copy)
    keep, keep_far = tcp_pair()
    loop.add_reader(keep, print)  # so that there is something to look at
    looks = len(poller.found)
    for _ in range(3):
        loop.step()
    assert poller.found[looks:] == [0, 0, 0]
    loop.remove_reader(keep)
    loop.close()
    os.close(copy)
    for sock in (far, keep, keep_far):
        sock.close()


def test_many_connections_open_and_close_in_one_batch(bench, run):
    async def main():
        _, address = await bench.serve()
        for _ in range(3):
            before = len(bench.accepted)
            peers = [bench.dial(address) for _ in range(30)]
            for number, peer in enumerate(peers):
                peer.sendall(b"%d" % number)
                peer.close()
            await bench.first_accepted(before + 30)
            for protocol in bench.accepted[before:]:
                assert await protocol.lost() is None
            words = sorted(int(protocol.received) for protocol in bench.accepted[before:])
            assert words == list(range(30))

    run(main())


def test_connections_that_close_as_they_are_made_leave_nothing(bench, run):
    class Brief(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.abort()

    async def main():
        _, address = await bench.serve(Brief)
        peers = [bench.dial(address) for _ in range(30)]
        await bench.first_accepted(30)
        for protocol in bench.accepted:
            assert await protocol.lost() is None
        for peer in peers:
            assert await bench.loop.run_in_executor(None, receive_all, peer) == b""

    run(main())


def test_a_loop_that_closes_with_many_watched_fds_leaves_them_to_their_owners():
    loop = Loop()
    pairs = [tcp_pair() for _ in range(20)]
    for mine, _ in pairs:
        loop.add_reader(mine, print)
    loop.close()
    for mine, far in pairs:
        far.sendall(b"x")
        assert mine.recv(1) == b"x"
        mine.close()
        far.close()


def test_a_reader_left_on_a_closed_number_does_not_deafen_a_call_on_its_next_owner(polled_loop):
    mine, far = tcp_pair()
    number = mine.fileno()
    polled_loop.add_reader(mine, lambda: None)
    mine.close()
    far.close()
    mine, far = pair_at(number)
    mine.setblocking(False)
    with mine, far:
        task = polled_loop.create_task(polled_loop.sock_recv(mine, 10))
        polled_loop.step()
        far.sendall(b"heard")
        await_readable(mine)
        for _ in range(3):
            polled_loop.step()
        polled_loop.remove_reader(number)
        assert task.done()
        assert task.result() == b"heard"
