"""`get_extra_info`, and who owns the fd: it is closed once, and never while it is in use."""

import errno
import os
import socket

import pytest

from .support import Recorder, next_iteration, pair_at, receive_all, reset, tcp_pair


def test_the_addresses_are_those_of_the_socket(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        assert transport.get_extra_info("sockname") == peer.getpeername()
        assert transport.get_extra_info("peername") == peer.getsockname()

    run(main())


def test_the_addresses_of_an_accepted_connection_are_those_of_its_socket(bench, run):
    async def main():
        _, address = await bench.serve()
        peer = bench.dial(address)
        transport = (await bench.first_accepted()).transport
        assert transport.get_extra_info("sockname") == address
        assert transport.get_extra_info("peername") == peer.getsockname()

    run(main())


def test_the_addresses_of_ipv6_are_tuples_of_four(bench, run):
    async def main():
        server = await bench.loop.create_server(Recorder, "::1", 0)
        async with server:
            address = server.sockets[0].getsockname()
            transport, _ = await bench.loop.create_connection(Recorder, *address[:2])
            bench.transports.append(transport)
            assert transport.get_extra_info("peername") == address
            assert len(transport.get_extra_info("sockname")) == 4
            transport.close()

    run(main())


@pytest.mark.parametrize("name", ["sockname", "peername"])
def test_an_address_is_known_when_the_peer_has_reset_the_connection(name, bench, run):
    class Asking(Recorder):
        def connection_lost(self, exc):
            self.address = self.transport.get_extra_info(name)
            super().connection_lost(exc)

    async def main():
        _, protocol, peer = await bench.connect(Asking())
        addresses = {"sockname": peer.getpeername(), "peername": peer.getsockname()}
        reset(peer)
        await protocol.lost()
        assert protocol.address == addresses[name]

    run(main())


@pytest.mark.parametrize("name", ["sockname", "peername"])
def test_an_address_is_known_after_the_connection_was_closed(name, bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        addresses = {"sockname": peer.getpeername(), "peername": peer.getsockname()}
        transport.close()
        await protocol.lost()
        await next_iteration(bench.loop)
        assert transport.get_extra_info(name) == addresses[name]

    run(main())


def test_what_is_not_known_is_the_default(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert transport.get_extra_info("sslcontext") is None
        assert transport.get_extra_info("nothing", 7) == 7

    run(main())


def test_the_socket_can_be_asked_and_set(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getpeername() == peer.getsockname()
        assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM)
        assert sock.gettimeout() == 0
        assert not hasattr(sock, "close")

    run(main())


def test_the_socket_is_the_same_object_each_time(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert transport.get_extra_info("socket") is transport.get_extra_info("socket")

    run(main())


def test_the_socket_of_an_accepted_connection_is_the_same_object_also_after_it_closed(bench, run):
    async def main():
        _, address = await bench.serve()
        bench.dial(address)
        protocol = await bench.first_accepted()
        sock = protocol.transport.get_extra_info("socket")
        protocol.transport.close()
        await protocol.lost()
        await next_iteration(bench.loop)
        assert protocol.transport.get_extra_info("socket") is sock
        assert sock.fileno() == -1

    run(main())


def no_delay(transport):
    return transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_connection_sends_small_writes_at_once(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert no_delay(transport)

    run(main())


def test_an_accepted_connection_sends_small_writes_at_once(bench, run):
    async def main():
        _, address = await bench.serve()
        bench.dial(address)
        assert no_delay((await bench.first_accepted()).transport)

    run(main())


def test_asking_for_the_socket_does_not_close_it_twice(bench, run):
    """A second close would hit the file that was given the number in between."""

    async def main():
        _, address = await bench.serve()
        peer = bench.dial(address)
        transport = (await bench.first_accepted()).transport
        sock = transport.get_extra_info("socket")
        number = sock.fileno()
        transport.close()
        assert await bench.loop.run_in_executor(None, receive_all, peer) == b""
        one, other = pair_at(number)
        with one, other:
            del sock, transport
            bench.accepted.clear()
            one.sendall(b"x")
            assert other.recv(1) == b"x"

    run(main())


def test_a_socket_that_was_asked_for_outlives_nothing(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        sock = transport.get_extra_info("socket")
        transport.close()
        await protocol.lost()
        assert receive_all(peer) == b""
        await next_iteration(bench.loop)
        assert sock.fileno() == -1

    run(main())


def test_a_dup_of_the_socket_is_the_callers(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        with transport.get_extra_info("socket").dup() as own:
            transport.close()
            await protocol.lost()
            own.send(b"from the copy")
        assert receive_all(peer) == b"from the copy"

    run(main())


def test_a_socket_closed_by_its_giver_stays_open_while_its_transport_lives(our_bench, our_run):
    async def main():
        ours, peer = our_bench.pair()
        transport, protocol = await our_bench.loop.create_connection(Recorder, sock=ours)
        our_bench.transports.append(transport)
        number = ours.fileno()
        ours.close()
        one, other = tcp_pair()
        with one, other:
            assert number not in (one.fileno(), other.fileno())
        peer.sendall(b"still here")
        assert await protocol.receives(10) == b"still here"
        transport.close()
        await protocol.lost()
        assert receive_all(peer) == b""

    our_run(main())


def test_a_given_socket_is_closed_by_its_transport(bench, run):
    async def main():
        ours, peer = bench.pair()
        transport, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        transport.close()
        await protocol.lost()
        assert receive_all(peer) == b""
        await next_iteration(bench.loop)
        assert ours.fileno() == -1

    run(main())


def test_a_given_socket_that_is_closed_again_is_not_closed_twice(bench, run):
    async def main():
        ours, peer = bench.pair()
        number = ours.fileno()
        transport, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        transport.close()
        await protocol.lost()
        assert receive_all(peer) == b""
        await next_iteration(bench.loop)
        one, other = pair_at(number)
        with one, other:
            ours.close()
            one.sendall(b"x")
            assert other.recv(1) == b"x"

    run(main())


def test_a_detached_socket_is_left_to_whoever_detached_it(our_bench, our_run):
    async def main():
        ours, peer = our_bench.pair()
        transport, protocol = await our_bench.loop.create_connection(Recorder, sock=ours)
        number = ours.detach()
        transport.close()
        await protocol.lost()
        await next_iteration(our_bench.loop)
        os.write(number, b"mine")
        os.close(number)
        assert receive_all(peer) == b"mine"

    our_run(main())


@pytest.mark.parametrize("method", ["add_reader", "add_writer", "remove_reader", "remove_writer"])
def test_the_fd_of_a_transport_is_refused_to_others(method, bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        args = (print,) if method.startswith("add") else ()
        with pytest.raises(RuntimeError, match="is used by transport"):
            getattr(bench.loop, method)(transport.get_extra_info("socket"), *args)

    run(main())


def test_the_fd_is_free_for_others_when_the_transport_has_ended(bench, run):
    async def main():
        ours, peer = bench.pair()
        number = ours.fileno()
        transport, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        transport.close()
        await protocol.lost()
        await next_iteration(bench.loop)
        mine, far = pair_at(number)
        with mine, far:
            ready = bench.loop.create_future()
            bench.loop.add_reader(mine, ready.set_result, None)
            far.sendall(b"x")
            await ready
            assert bench.loop.remove_reader(mine)
        assert receive_all(peer) == b""

    run(main())


def test_a_closed_socket_is_refused(bench, run):
    async def main():
        ours, _ = bench.pair()
        ours.close()
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            await bench.loop.create_connection(Recorder, sock=ours)

    run(main())


def test_connect_accepted_socket_makes_a_transport_of_what_was_accepted_elsewhere(bench, run):
    async def main():
        ours, peer = bench.pair()
        transport, protocol = await bench.loop.connect_accepted_socket(Recorder, ours)
        bench.transports.append(transport)
        assert protocol.events == ["made"]
        assert transport.get_extra_info("peername") == peer.getsockname()
        peer.sendall(b"data")
        assert await protocol.receives(4) == b"data"

    run(main())


@pytest.mark.parametrize("method", ["create_connection", "connect_accepted_socket"])
def test_a_socket_that_is_no_stream_is_refused(method, bench, run):
    async def main():
        with (
            socket.socket(type=socket.SOCK_DGRAM) as sock,
            pytest.raises(ValueError, match="A Stream Socket was expected"),
        ):
            await getattr(bench.loop, method)(Recorder, sock=sock)

    run(main())
