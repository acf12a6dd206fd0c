"""A peer that resets the connection, at each stage: told once, and nothing leaks."""

import asyncio

from .support import Recorder, await_readable, next_iteration, reset

BROKEN = (ConnectionResetError, BrokenPipeError)


def test_before_the_connection_is_accepted(bench, run):
    async def main():
        server, address = await bench.serve(start_serving=False)
        server.sockets[0]._sock.listen()
        reset(bench.dial(address))
        await server.start_serving()
        protocol = await bench.first_accepted()
        assert isinstance(await protocol.lost(), ConnectionResetError)

    run(main())


def test_before_the_connection_is_made(bench, run):
    async def main():
        ours, peer = bench.pair()
        reset(peer)
        await_readable(ours)
        _, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        assert isinstance(await protocol.lost(), ConnectionResetError)
        assert protocol.events[0] == "made"
        assert len(protocol.events) == 2

    run(main())


def test_in_connection_made(bench, run):
    class Talker(Recorder):
        def connection_made(self, transport):
            reset(self.peer)
            super().connection_made(transport)
            transport.write(b"too late")

    async def main():
        ours, peer = bench.pair()
        talker = Talker()
        talker.peer = peer
        await bench.loop.create_connection(lambda: talker, sock=ours)
        assert isinstance(await talker.lost(), BROKEN)

    run(main())


def test_while_the_transport_reads(bench, run):
    async def main():
        _, protocol, peer = await bench.connect()
        peer.sendall(b"data")
        await protocol.receives(4)
        reset(peer)
        assert isinstance(await protocol.lost(), ConnectionResetError)
        assert "eof" not in protocol.events

    run(main())


def test_in_data_received(bench, run):
    class Resetting(Recorder):
        def data_received(self, data):
            reset(self.peer)
            super().data_received(data)
            self.transport.write(b"too late")

    async def main():
        _, protocol, peer = await bench.connect(Resetting())
        protocol.peer = peer
        peer.sendall(b"x")
        assert isinstance(await protocol.lost(), BROKEN)

    run(main())


def test_while_data_waits_to_be_sent(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(bytes(500_000))
        await next_iteration(bench.loop)
        reset(peer)
        assert isinstance(await protocol.lost(), BROKEN)
        assert transport.get_write_buffer_size() == 0
        assert "resume" not in protocol.events

    run(main())


def test_while_a_paused_transport_waits_to_send(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.pause_reading()
        transport.write(bytes(500_000))
        await next_iteration(bench.loop)
        reset(peer)
        assert isinstance(await protocol.lost(), BROKEN)

    run(main())


def test_while_the_transport_closes_with_data_to_send(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(bytes(500_000))
        transport.close()
        await next_iteration(bench.loop)
        reset(peer)
        assert isinstance(await protocol.lost(), BROKEN)

    run(main())


def test_between_close_and_connection_lost(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.close()
        reset(peer)
        assert await protocol.lost() is None

    run(main())


def test_after_write_eof(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.write_eof()
        reset(peer)
        assert isinstance(await protocol.lost(), ConnectionResetError)

    run(main())


def test_before_write_eof(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        reset(peer)
        await_readable(transport.get_extra_info("socket"))
        transport.write(b"x")
        try:
            transport.write_eof()
        except OSError:
            pass  # asyncio's may tell of it here
        assert isinstance(await protocol.lost(), BROKEN)

    run(main())


def test_of_many_connections_at_once(bench, run):
    count = 50

    async def main():
        _, address = await bench.serve()
        peers = [bench.dial(address) for _ in range(count)]
        await bench.first_accepted(count)
        for peer in peers:
            reset(peer)
        ends = await asyncio.gather(*[protocol.lost() for protocol in bench.accepted])
        assert {type(exc) for exc in ends} == {ConnectionResetError}
        assert all(len(protocol.events) == 2 for protocol in bench.accepted)

    run(main())
