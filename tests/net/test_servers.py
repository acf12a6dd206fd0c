"""What `create_server` binds, and when it serves."""

import asyncio
import contextvars
import errno
import gc
import socket

import pytest

from .support import Recorder, open_files


def test_a_server_serves_one_protocol_a_connection(bench, run):
    async def main():
        _, address = await bench.serve()
        peers = [bench.dial(address) for _ in range(3)]
        await bench.first_accepted(3)
        for number, peer in enumerate(peers):
            peer.sendall(b"%d" % number)
        for protocol in bench.accepted:
            await protocol.receives(1)
        assert sorted(bytes(p.received) for p in bench.accepted) == [b"0", b"1", b"2"]

    run(main())


def test_a_list_of_hosts_is_a_socket_for_each(bench, run):
    async def main():
        server = await bench.loop.create_server(Recorder, ["127.0.0.1", "::1"], 0)
        async with server:
            assert {sock.getsockname()[0] for sock in server.sockets} == {"127.0.0.1", "::1"}

    run(main())


def test_a_host_that_is_named_twice_is_bound_once(bench, run):
    async def main():
        with socket.create_server(("127.0.0.4", 0)) as free:
            port = free.getsockname()[1]
        server = await bench.loop.create_server(Recorder, ["127.0.0.4", "127.0.0.4"], port)
        async with server:
            assert len(server.sockets) == 1

    run(main())


@pytest.mark.parametrize("host", [None, ""])
def test_no_host_is_all_interfaces(host, bench, run):
    async def main():
        async with await bench.loop.create_server(Recorder, host, 0) as server:
            hosts = {sock.getsockname()[0] for sock in server.sockets}
            assert hosts <= {"0.0.0.0", "::"}
            assert "0.0.0.0" in hosts

    run(main())


def test_port_zero_is_a_free_port(bench, run):
    async def main():
        async with await bench.loop.create_server(Recorder, "127.0.0.1", 0) as server:
            assert server.sockets[0].getsockname()[1] > 0

    run(main())


def test_a_port_in_use_is_refused_with_the_address_in_the_message(bench, run):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = taken.getsockname()
            with pytest.raises(OSError, match="while attempting to bind on address") as caught:
                await bench.loop.create_server(Recorder, *address)
        assert caught.value.errno == errno.EADDRINUSE
        assert repr(address) in str(caught.value)

    run(main())


def test_a_host_that_a_look_up_knows_nothing_of_is_refused(bench, run, monkeypatch):
    async def main():
        with pytest.raises(OSError, match=r"getaddrinfo\('unknown'\) returned empty list"):
            await bench.loop.create_server(Recorder, ["127.0.0.1", "unknown"], 0)

    async def look_up(host, port, **options):
        return [] if host == "unknown" else await real(host, port, **options)

    real = bench.loop.getaddrinfo
    monkeypatch.setattr(bench.loop, "getaddrinfo", look_up, raising=False)
    run(main())


def test_when_the_second_address_can_not_be_bound_the_first_is_let_go(bench, run):
    async def main():
        before = set(open_files())
        with socket.create_server(("127.0.0.2", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(OSError, match=r"127\.0\.0\.2"):
                await bench.loop.create_server(Recorder, ["127.0.0.3", "127.0.0.2"], port)
            assert set(open_files()) - before == {str(taken.fileno())}

    run(main())


def test_a_port_that_another_began_to_listen_on_is_refused_with_the_address(our_bench, our_run):
    """Both may bind it, with SO_REUSEADDR, but only one may listen."""

    async def main():
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 0))
            address = taken.getsockname()
            server = await our_bench.loop.create_server(Recorder, *address, start_serving=False)
            taken.listen()
            with pytest.raises(OSError, match="while attempting to listen") as caught:
                await server.start_serving()
            assert caught.value.errno == errno.EADDRINUSE
            assert repr(address) in str(caught.value)
            assert not server.is_serving()
            server.close()

    our_run(main())


def test_a_server_that_can_not_listen_leaves_no_socket_open(our_bench, our_run):
    async def main():
        with socket.socket() as taken, socket.socket() as ours:
            for sock in (taken, ours):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 0))
            ours.bind(taken.getsockname())
            taken.listen()
            with pytest.raises(OSError, match="while attempting to listen"):
                await our_bench.loop.create_server(Recorder, sock=ours)
            assert ours.fileno() == -1

    our_run(main())


def test_two_servers_share_a_port_with_reuse_port(bench, run):
    async def main():
        _, address = await bench.serve(reuse_port=True)
        second = await bench.loop.create_server(Recorder, *address, reuse_port=True)
        async with second:
            assert second.sockets[0].getsockname() == address

    run(main())


def test_without_reuse_port_a_port_is_not_shared(bench, run):
    async def main():
        _, address = await bench.serve(reuse_port=True)
        with pytest.raises(OSError, match="address already in use"):
            await bench.loop.create_server(Recorder, *address)

    run(main())


def test_keep_alive_is_set_on_the_listening_socket(our_bench, our_run):
    async def main():
        server, _ = await our_bench.serve(keep_alive=True)
        assert server.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    our_run(main())


def test_a_bound_socket_is_served_and_closed_with_the_server(bench, run):
    async def main():
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        protocol = Recorder()
        server = await bench.loop.create_server(lambda: protocol, sock=sock)
        bench.servers.append(server)
        peer = bench.dial(sock.getsockname())
        peer.sendall(b"x")
        assert await protocol.receives(1) == b"x"
        peer.close()
        await protocol.lost()
        server.close()
        assert sock.fileno() == -1

    run(main())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Neither host/port nor sock"),
        ({"host": "127.0.0.1", "sock": "a socket"}, "can not be specified at the same time"),
        ({"port": 1, "sock": "a socket"}, "can not be specified at the same time"),
        ({"sock": "a datagram socket"}, "A Stream Socket was expected"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, message, bench, run):
    async def main():
        kinds = {"a socket": socket.SOCK_STREAM, "a datagram socket": socket.SOCK_DGRAM}
        with socket.socket(type=kinds.get(arguments.get("sock"), socket.SOCK_STREAM)) as sock:
            given = {**arguments, "sock": sock} if "sock" in arguments else arguments
            with pytest.raises(ValueError, match=message):
                await bench.loop.create_server(Recorder, **given)

    run(main())


def test_the_backlog_is_what_the_system_holds(our_bench, our_run):
    """The kernel tells of a listening socket's queue in the fields of TCP_INFO for lost packets."""

    async def main():
        server, _ = await our_bench.serve(backlog=7)
        sock = server.sockets[0]
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        sacked = (
            8 + 4 * 5
        )  # tcpi_sacked, after eight bytes and rto, ato, two sizes and tcpi_unacked
        assert int.from_bytes(info[sacked : sacked + 4], "little") == 7

    our_run(main())


def test_a_server_does_not_listen_until_it_is_started(bench, run):
    async def main():
        server, address = await bench.serve(start_serving=False)
        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            bench.dial(address)
        await server.start_serving()
        assert server.is_serving()
        bench.dial(address)
        await bench.first_accepted()

    run(main())


def test_starting_a_server_twice_is_starting_it_once(bench, run):
    async def main():
        server, address = await bench.serve()
        await server.start_serving()
        bench.dial(address)
        await bench.first_accepted()
        assert len(bench.accepted) == 1

    run(main())


def test_serve_forever_starts_the_server(bench, run):
    async def main():
        server, address = await bench.serve(start_serving=False)
        serving = bench.loop.create_task(server.serve_forever())
        await asyncio.sleep(0)
        bench.dial(address)
        (await bench.first_accepted()).transport.abort()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    run(main())


def test_cancelling_serve_forever_closes_the_server(bench, run):
    async def main():
        server, _ = await bench.serve()
        serving = bench.loop.create_task(server.serve_forever())
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert (server.is_serving(), server.sockets) == (False, ())

    run(main())


def test_closing_a_server_ends_serve_forever(bench, run):
    async def main():
        server, _ = await bench.serve()
        serving = bench.loop.create_task(server.serve_forever())
        await asyncio.sleep(0)
        server.close()
        with pytest.raises(asyncio.CancelledError):
            await serving

    run(main())


def test_serving_forever_twice_is_refused(bench, run):
    async def main():
        server, _ = await bench.serve()
        serving = bench.loop.create_task(server.serve_forever())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already being awaited"):
            await server.serve_forever()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    run(main())


def test_a_closed_server_can_not_serve_for_ever(bench, run):
    async def main():
        server, _ = await bench.serve()
        server.close()
        with pytest.raises(RuntimeError, match="is closed"):
            await server.serve_forever()

    run(main())


def test_a_closed_server_can_not_be_started_again(our_bench, our_run):
    """In asyncio it is a TypeError."""

    async def main():
        server, _ = await our_bench.serve()
        server.close()
        with pytest.raises(RuntimeError, match="is closed"):
            await server.start_serving()

    our_run(main())


def test_a_server_knows_its_loop(bench, run):
    async def main():
        server, _ = await bench.serve()
        assert server.get_loop() is bench.loop

    run(main())


def test_a_server_serves_on_when_nobody_holds_it(bench, run):
    async def main():
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        made = []
        await bench.loop.create_server(lambda: made.append(Recorder()) or made[-1], sock=sock)
        gc.collect()
        peer = bench.dial(sock.getsockname())
        while not (made and made[0].transport):
            await asyncio.sleep(0)
        bench.transports.append(made[0].transport)
        peer.sendall(b"x")
        assert await made[0].receives(1) == b"x"
        return sock

    with run(main()):
        bench.close()
        bench.loop.close()


VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


def test_protocols_are_made_in_the_context_in_which_the_server_was_started(bench, run):
    class Curious(Recorder):
        def __init__(self):
            super().__init__()
            self.seen_when_made = VARIABLE.get()

        def data_received(self, data):
            self.seen_when_received = VARIABLE.get()
            super().data_received(data)

    async def main():
        VARIABLE.set("at the start")
        _, address = await bench.serve(Curious)
        VARIABLE.set("later")
        peer = bench.dial(address)
        peer.sendall(b"x")
        protocol = await bench.first_accepted()
        await protocol.receives(1)
        seen = (protocol.seen_when_made, protocol.seen_when_received)
        assert seen == ("at the start", "at the start")

    run(main())


def test_what_a_factory_sets_in_its_context_is_its_connections_alone(bench, run):
    class Marking(Recorder):
        def __init__(self):
            super().__init__()
            self.found = VARIABLE.get()
            VARIABLE.set("marked")

        def connection_made(self, transport):
            self.kept = VARIABLE.get()
            super().connection_made(transport)

    async def main():
        _, address = await bench.serve(Marking)
        for _ in range(2):
            bench.dial(address)
        await bench.first_accepted(2)
        assert [(p.found, p.kept) for p in bench.accepted] == [("unset", "marked")] * 2

    run(main())


def test_whoever_resumes_a_connection_does_not_lend_it_a_context(our_bench, our_run):
    # On our loop only: asyncio's did before Python 3.15.
    class Curious(Recorder):
        seen = ()

        def data_received(self, data):
            self.seen += (VARIABLE.get(),)
            super().data_received(data)

        def connection_lost(self, exc):
            self.seen += (VARIABLE.get(),)
            super().connection_lost(exc)

    async def main():
        _, address = await our_bench.serve(Curious)
        peer = our_bench.dial(address)
        protocol = await our_bench.first_accepted()
        VARIABLE.set("of the one who resumes")
        protocol.transport.pause_reading()
        protocol.transport.resume_reading()
        peer.sendall(b"x")
        await protocol.receives(1)
        peer.close()
        await protocol.lost()
        assert protocol.seen == ("unset", "unset")

    our_run(main())
