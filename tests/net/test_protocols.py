"""The order in which a protocol is called, and which protocol is called."""

import asyncio

from .support import BufferedRecorder, HalfOpen, Recorder, receive_all


def test_a_connection_is_made_then_has_data_then_ends_then_is_lost(bench, run):
    async def main():
        _, protocol, peer = await bench.connect()
        peer.sendall(b"data")
        await protocol.receives(4)
        peer.close()
        await protocol.lost()
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_the_transport_is_an_asyncio_transport(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert isinstance(transport, asyncio.Transport)

    run(main())


def test_connection_made_is_called_with_the_transport_that_create_connection_returns(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        assert protocol.transport is transport

    run(main())


def test_create_connection_returns_after_connection_made(bench, run):
    async def main():
        _, protocol, _ = await bench.connect()
        assert protocol.events == ["made"]

    run(main())


def test_data_that_came_before_the_connection_was_made_is_received_after(bench, run):
    async def main():
        ours, peer = bench.pair()
        peer.sendall(b"early")
        peer.close()
        _, protocol = await bench.loop.create_connection(Recorder, sock=ours)
        await protocol.lost()
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_data_is_received_as_bytes(bench, run):
    class Typed(Recorder):
        def data_received(self, data):
            self.kind = type(data)
            super().data_received(data)

    async def main():
        _, protocol, peer = await bench.connect(Typed())
        peer.sendall(b"x")
        await protocol.receives(1)
        assert protocol.kind is bytes

    run(main())


def test_much_data_arrives_whole_and_in_order(bench, run):
    data = bytes(range(256)) * 8192

    async def main():
        _, protocol, peer = await bench.connect()
        peer.setblocking(False)
        await bench.loop.sock_sendall(peer, data)
        assert await protocol.receives(len(data)) == data

    run(main())


def test_a_transport_keeps_open_when_eof_received_says_so(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(HalfOpen())
        peer.shutdown(1)
        await protocol.seen("eof")
        transport.write(b"still here")
        transport.close()
        await protocol.lost()
        assert receive_all(peer) == b"still here"

    run(main())


def test_a_transport_closes_when_eof_received_says_nothing(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        peer.shutdown(1)
        await protocol.seen("eof")
        assert transport.is_closing()

    run(main())


def test_data_goes_to_the_protocol_that_was_set_last(bench, run):
    async def main():
        transport, first, peer = await bench.connect()
        second = Recorder()
        transport.set_protocol(second)
        peer.sendall(b"x")
        await second.receives(1)
        assert (first.events, second.events) == (["made"], ["data"])

    run(main())


def test_get_protocol_returns_the_protocol_that_was_set_last(bench, run):
    async def main():
        transport, first, _ = await bench.connect()
        assert transport.get_protocol() is first
        second = Recorder()
        transport.set_protocol(second)
        assert transport.get_protocol() is second

    run(main())


def test_a_protocol_can_hand_over_to_another_while_it_receives(bench, run):
    class Greeter(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.set_protocol(self.successor)

    async def main():
        _, first, peer = await bench.connect(Greeter())
        first.successor = Recorder()
        peer.sendall(b"one")
        await first.receives(3)
        peer.sendall(b"two")
        assert await first.successor.receives(3) == b"two"
        assert first.received == b"one"

    run(main())


def test_the_end_is_told_to_the_protocol_that_was_set_last(bench, run):
    async def main():
        transport, first, peer = await bench.connect()
        second = Recorder()
        transport.set_protocol(second)
        peer.close()
        await second.lost()
        assert (first.events, second.events) == (["made"], ["eof", ("lost", None)])

    run(main())


def test_a_protocol_can_give_way_to_a_buffered_one(bench, run):
    async def main():
        transport, first, peer = await bench.connect()
        peer.sendall(b"one")
        await first.receives(3)
        second = BufferedRecorder()
        transport.set_protocol(second)
        peer.sendall(b"two")
        assert await second.receives(3) == b"two"

    run(main())


def test_a_buffered_protocol_can_give_way_to_another_kind(bench, run):
    async def main():
        transport, first, peer = await bench.connect(BufferedRecorder())
        peer.sendall(b"one")
        await first.receives(3)
        second = Recorder()
        transport.set_protocol(second)
        peer.sendall(b"two")
        assert await second.receives(3) == b"two"

    run(main())


def test_a_protocol_needs_no_base_class(bench, run):
    class Plain:
        connection_made = Recorder.connection_made
        data_received = Recorder.data_received
        eof_received = Recorder.eof_received
        connection_lost = Recorder.connection_lost
        note, until, lost = Recorder.note, Recorder.until, Recorder.lost
        lost_with = Recorder.lost_with
        __init__ = Recorder.__init__

    async def main():
        _, protocol, peer = await bench.connect(Plain())
        peer.sendall(b"x")
        peer.close()
        await protocol.lost()
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_a_protocol_without_data_received_fails_only_when_data_comes(bench, run, reported):
    class Silent(asyncio.BaseProtocol):
        def connection_lost(self, exc):
            self.ended.set_result(exc)

    async def main():
        protocol = Silent()
        protocol.ended = bench.loop.create_future()
        _, _, peer = await bench.connect(protocol)
        assert reported == []
        peer.sendall(b"x")
        assert isinstance(await protocol.ended, AttributeError)
        assert reported.messages() == ["Fatal error: protocol.data_received() call failed."]

    run(main())
