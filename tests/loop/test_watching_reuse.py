"""Numbers of fds are reused at once, and an fd may have several watchers: none hears for another.

The loop's own tests for what asyncio leaves open; where asyncio has the answer, it is the control.
"""

import asyncio
import os
import socket
import weakref

import pytest

from tests.loop.helpers import run_ready


def turn(loop):
    """Lets the loop look at its fds and run what it finds."""
    run_ready(loop)
    run_ready(loop)


def test_an_fd_that_is_closed_in_its_own_callback_is_heard_of_no_more(loop, pair):
    def close():
        seen.append(pair[0].recv(10))
        loop.remove_reader(pair[0])
        pair[0].close()

    seen = []
    pair[1].send(b"x")
    loop.add_reader(pair[0], close)
    turn(loop)
    assert seen == [b"x"]


def test_a_number_that_is_reused_in_the_callback_that_closed_it_is_the_new_file(loop, pair):
    def replace():
        number = pair[0].fileno()
        loop.remove_reader(number)
        pair[0].close()
        new, peer = socket.socketpair()
        assert new.fileno() == number
        sockets.extend([new, peer])
        loop.add_reader(new, seen.append, "new")

    seen, sockets = [], []
    pair[1].send(b"x")
    loop.add_reader(pair[0], replace)
    turn(loop)
    assert seen == []
    sockets[1].send(b"x")
    run_ready(loop)
    loop.remove_reader(sockets[0])
    assert seen == ["new"]
    for sock in sockets:
        sock.close()


def test_news_of_a_closed_file_that_is_queued_does_not_reach_the_file_that_got_its_number(loop):
    # Both are ready in one poll; whichever comes first replaces the file of the other.
    pairs = [socket.socketpair() for _ in range(2)]
    seen = []

    def replace(mine, other):
        number = pairs[other][0].fileno()
        seen.append(mine)
        for sock in (pairs[mine][0], pairs[other][0]):
            loop.remove_reader(sock)
        pairs[other][0].close()
        new, peer = socket.socketpair()
        replaced.extend([new, peer])
        assert new.fileno() == number
        loop.add_reader(new, seen.append, "for the new file")

    replaced = []
    for number, (ours, theirs) in enumerate(pairs):
        theirs.send(b"x")
        loop.add_reader(ours, replace, number, 1 - number)
    turn(loop)
    assert len(seen) == 1
    replaced[1].send(b"x")
    run_ready(loop)
    assert seen[1:] == ["for the new file"]
    loop.remove_reader(replaced[0])
    for sock in (*pairs[0], *pairs[1], *replaced):
        sock.close()


def test_a_reader_of_a_number_that_was_closed_in_secret_is_that_of_the_new_file(ours, pair):
    # Nobody told the loop of the close; asyncio's loop keeps silent about the new file for ever.
    number = os.dup(pair[0].fileno())
    ours.add_reader(number, print)
    os.close(number)
    new, peer = socket.socketpair()
    with new, peer:
        assert new.fileno() == number
        seen = []
        ours.add_reader(number, seen.append, "new")
        turn(ours)
        assert seen == []
        peer.send(b"x")
        run_ready(ours)
        assert seen == ["new"]
        ours.remove_reader(number)


def test_a_file_that_lives_on_in_a_copy_does_not_disturb_the_file_that_got_its_number(ours, pair):
    # epoll holds the file and not the number, so closing the number alone ends nothing there.
    number = os.dup(pair[0].fileno())
    ours.add_reader(number, print)
    os.close(number)
    ours.remove_reader(number)
    new, peer = socket.socketpair()
    with new, peer:
        assert new.fileno() == number
        seen = []
        ours.add_reader(number, seen.append, "new")
        pair[1].send(b"x")
        for _ in range(3):
            turn(ours)
        assert seen == []
        peer.send(b"x")
        run_ready(ours)
        assert "new" in seen
        ours.remove_reader(number)


def test_a_busy_loop_comes_to_rest_after_a_watched_number_was_closed_in_secret(ours, pair):
    # As above, but nobody takes the number again: the file must not be reported for ever.
    number = os.dup(pair[0].fileno())
    ours.add_reader(number, print)
    os.close(number)
    ours.remove_reader(number)
    pair[1].send(b"x")
    ran = []
    ours.call_later(0.01, lambda: (ran.append("timer"), ours.stop()))
    iterations = 0
    while not ran:
        ours.step(may_sleep=True)
        iterations += 1
        assert iterations < 100, "the loop spins on a file that nobody watches"


def test_sock_recv_and_a_reader_of_the_same_fd_both_hear(ours, pair):
    async def main():
        heard = asyncio.Event()
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 10))
        await asyncio.sleep(0)
        ours.add_reader(pair[0], heard.set)
        pair[1].send(b"x")
        received = await receiving
        pair[1].send(b"y")
        await heard.wait()
        return received

    assert ours.run_until_complete(main()) == b"x"
    assert ours.remove_reader(pair[0]) is True


def test_sock_recv_leaves_the_reader_of_the_fd_in_its_place(ours, pair):
    async def main():
        seen = []
        ours.add_reader(pair[0], seen.append, "reader")
        pair[1].send(b"x")
        assert await ours.sock_recv(pair[0], 10) == b"x"
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 10))
        await asyncio.sleep(0)
        pair[1].send(b"y")
        assert await receiving == b"y"
        pair[1].send(b"z")
        while not seen:
            await asyncio.sleep(0)

    ours.run_until_complete(main())
    assert ours.remove_reader(pair[0]) is True


def test_removing_the_reader_leaves_sock_recv_waiting(ours, pair):
    async def main():
        receiving = asyncio.ensure_future(ours.sock_recv(pair[0], 10))
        await asyncio.sleep(0)
        ours.add_reader(pair[0], print)
        ours.remove_reader(pair[0])
        pair[1].send(b"x")
        return await receiving

    assert ours.run_until_complete(main()) == b"x"


def test_two_calls_may_wait_for_one_socket(ours, pair):
    async def main():
        waiting = [asyncio.ensure_future(ours.sock_recv(pair[0], 1)) for _ in range(2)]
        await asyncio.sleep(0)
        pair[1].send(b"xy")
        return await asyncio.gather(*waiting)

    assert sorted(ours.run_until_complete(main())) == [b"x", b"y"]


def test_a_socket_closed_while_another_call_waits_does_not_hide_the_next_one(ours):
    async def main():
        first, first_peer = socket.socketpair()
        first.setblocking(False)
        number = first.fileno()
        stale = asyncio.ensure_future(ours.sock_recv(first, 100))
        await asyncio.sleep(0)
        first.close()
        second, second_peer = socket.socketpair()
        second.setblocking(False)
        assert second.fileno() == number
        receiving = asyncio.ensure_future(ours.sock_recv(second, 100))
        await asyncio.sleep(0)
        second_peer.send(b"for the second")
        received = await receiving
        stale.cancel()
        await asyncio.wait([stale])
        for sock in (first_peer, second, second_peer):
            sock.close()
        return received, stale

    received, stale = ours.run_until_complete(main())
    assert received == b"for the second"
    assert stale.cancelled() or isinstance(stale.exception(), OSError)


def test_the_fd_of_a_transport_is_refused(loop):
    async def main():
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=client)
        number = transport.get_extra_info("socket").fileno()
        for call in (loop.add_reader, loop.add_writer):
            with pytest.raises(RuntimeError, match="is used by transport"):
                call(number, print)
        for call in (loop.remove_reader, loop.remove_writer):
            with pytest.raises(RuntimeError, match="is used by transport"):
                call(number)
        transport.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        client.setblocking(False)
        accepted, _ = server.accept()
        with accepted:
            loop.run_until_complete(main())


def test_removing_a_closed_socket_leaves_the_reader_of_the_file_that_got_its_number(ours, pair):
    number = pair[0].fileno()
    ours.add_reader(pair[0], print)
    pair[0].close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        assert other.fileno() == number
        ours.add_reader(other, print)
        with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
            ours.remove_reader(pair[0])
        assert ours.remove_reader(other) is True


def test_a_socket_that_is_removed_after_it_was_closed_is_let_go(loop):
    one, other = socket.socketpair()
    gone = weakref.ref(one)
    loop.add_reader(one, print)
    one.close()
    loop.remove_reader(one)
    other.close()
    del one
    assert gone() is None


def test_a_watcher_that_is_removed_lets_go_of_its_callback(loop, pair):
    class Owner:
        def call(self):
            pass

    owner = Owner()
    gone = weakref.ref(owner)
    loop.add_reader(pair[0], owner.call)
    loop.add_writer(pair[0], owner.call)
    loop.remove_reader(pair[0])
    loop.remove_writer(pair[0])
    del owner
    assert gone() is None
