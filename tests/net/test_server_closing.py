"""How a server ends, and what becomes of its connections."""

import asyncio
import socket

import pytest

from .support import HalfOpen, Recorder, receive_all

MUCH = bytes(300_000)


def test_a_closed_server_accepts_nothing(bench, run):
    async def main():
        server, address = await bench.serve()
        server.close()
        assert (server.is_serving(), server.sockets) == (False, ())
        with pytest.raises(ConnectionRefusedError):
            bench.dial(address)

    run(main())


def test_closing_a_server_twice_is_closing_it_once(bench, run):
    async def main():
        server, _ = await bench.serve()
        server.close()
        server.close()
        await server.wait_closed()

    run(main())


def test_connections_outlive_their_server(bench, run):
    async def main():
        server, address = await bench.serve()
        peer = bench.dial(address)
        protocol = await bench.first_accepted()
        server.close()
        peer.sendall(b"still here")
        assert await protocol.receives(10) == b"still here"

    run(main())


def test_wait_closed_waits_for_the_last_connection(bench, run):
    async def main():
        server, address = await bench.serve()
        peers = [bench.dial(address) for _ in range(2)]
        await bench.first_accepted(2)
        server.close()
        waiting = bench.loop.create_task(server.wait_closed())
        peers[0].close()
        while not any(protocol.lost_with() for protocol in bench.accepted):
            await asyncio.sleep(0)
        assert not waiting.done()
        peers[1].close()
        await waiting
        assert all(protocol.lost_with() for protocol in bench.accepted)

    run(main())


def test_wait_closed_waits_for_close(bench, run):
    async def main():
        server, _ = await bench.serve()
        waiting = bench.loop.create_task(server.wait_closed())
        await asyncio.sleep(0)
        assert not waiting.done()
        server.close()
        await waiting

    run(main())


def test_wait_closed_returns_at_once_when_all_is_over(bench, run):
    async def main():
        server, _ = await bench.serve()
        server.close()
        await server.wait_closed()
        await server.wait_closed()

    run(main())


def test_a_server_as_a_context_manager_is_closed_at_its_end(bench, run):
    async def main():
        server, _ = await bench.serve()
        async with server as entered:
            assert entered is server
            assert server.is_serving()
        assert not server.is_serving()

    run(main())


@pytest.mark.skipif(
    not hasattr(asyncio.Server, "close_clients"), reason="asyncio has close_clients from 3.13 on"
)
class TestClients:
    def test_close_clients_closes_each_once_its_data_is_sent(self, bench, run):
        async def main():
            server, address = await bench.serve(HalfOpen)
            peer = bench.dial(address)
            protocol = await bench.first_accepted()
            protocol.transport.write(MUCH)
            server.close()
            server.close_clients()
            assert await bench.loop.run_in_executor(None, receive_all, peer) == MUCH
            await server.wait_closed()
            assert await protocol.lost() is None

        run(main())

    def test_abort_clients_closes_each_at_once(self, bench, run):
        async def main():
            server, address = await bench.serve()
            peer = bench.dial(address)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
            protocol = await bench.first_accepted()
            protocol.transport.write(bytes(10_000_000))
            server.close()
            server.abort_clients()
            await server.wait_closed()
            assert await protocol.lost() is None
            assert len(receive_all(peer)) < 10_000_000

        run(main())

    def test_close_clients_leaves_the_server_serving(self, bench, run):
        async def main():
            server, address = await bench.serve()
            bench.dial(address)
            await bench.first_accepted()
            server.close_clients()
            await bench.accepted[0].lost()
            bench.dial(address)
            await bench.first_accepted(2)
            assert server.is_serving()

        run(main())

    def test_close_clients_leaves_other_servers_connections_alone(self, bench, run):
        async def main():
            server, _ = await bench.serve()
            _, address = await bench.serve()
            peer = bench.dial(address)
            protocol = await bench.first_accepted()
            server.close_clients()
            server.abort_clients()
            peer.sendall(b"x")
            assert await protocol.receives(1) == b"x"

        run(main())

    def test_close_clients_closes_a_paused_connection(self, bench, run):
        async def main():
            server, address = await bench.serve()
            bench.dial(address)
            protocol = await bench.first_accepted()
            protocol.transport.pause_reading()
            server.close_clients()
            assert await protocol.lost() is None

        run(main())

    def test_close_clients_closes_what_was_accepted_but_not_yet_told(self, bench, run):
        async def main():
            class Doomed(Recorder):
                def __init__(self):
                    super().__init__()
                    # Runs between the transport's making and `connection_made`.
                    bench.loop.call_soon(server.close_clients)

            server, address = await bench.serve(Doomed)
            bench.dial(address)
            protocol = await bench.first_accepted()
            assert await protocol.lost() is None
            assert protocol.events == ["made", ("lost", None)]

        run(main())


def test_a_factory_that_closes_the_server_still_gets_its_connection(our_bench, our_run):
    async def main():
        class Last(Recorder):
            def __init__(self):
                super().__init__()
                server.close()

        server, address = await our_bench.serve(Last)
        peer = our_bench.dial(address)
        protocol = await our_bench.first_accepted()
        peer.sendall(b"x")
        assert await protocol.receives(1) == b"x"
        server.close_clients()
        assert await protocol.lost() is None

    our_run(main())
