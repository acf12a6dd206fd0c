"""Data over TLS: in order and whole whatever the sizes, gathered, and under flow control."""

import asyncio
from typing import Any

import pytest

from .support import BufferedRecorder, Recorder, next_iteration
from .tls_support import client_context, connect, dial, older, server_context

RECORD = 16384


def pattern(size: int) -> bytes:
    """Returns data in which each part differs from the others."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]


@pytest.mark.parametrize("size", [1, 1024, RECORD, RECORD + 1, 300_000])
@pytest.mark.parametrize("kind", [Recorder, BufferedRecorder])
def test_data_comes_whole_and_in_order(run: Any, bench: Any, kind: Any, size: int) -> None:
    data = pattern(size)

    async def main() -> None:
        protocol = kind()
        _, peer = await connect(bench, protocol)
        await peer.send(data)
        assert await protocol.receives(size) == data

    run(main())


@pytest.mark.parametrize("size", [1, 1024, RECORD, RECORD + 1, 100_000, 3_000_000])
def test_data_is_sent_whole_and_in_order(run: Any, bench: Any, size: int) -> None:
    data = pattern(size)

    async def main() -> None:
        transport, peer = await connect(bench, Recorder(), small=True)
        transport.write(data)
        assert await peer.receive(size) == data

    run(main())


def test_writes_of_all_kinds_are_sent_in_order(run: Any, bench: Any) -> None:
    async def main() -> None:
        transport, peer = await connect(bench, Recorder())
        expected = b""
        for number in range(200):
            part = pattern(number * 37 % 20_000)
            expected += part
            transport.write(bytearray(part) if number % 2 else memoryview(part))
        transport.writelines([b"a", b"", bytearray(b"b"), memoryview(b"c")])
        expected += b"abc"
        assert await peer.receive(len(expected)) == expected

    run(main())


def test_what_one_callback_writes_is_one_record(our_run: Any, our_bench: Any) -> None:
    async def main() -> None:
        transport, peer = await connect(our_bench, Recorder())
        await next_iteration(our_bench.loop)
        for _ in range(50):
            transport.write(b"0123456789")
        record = await our_bench.loop.sock_recv(peer.sock, 65536)
        assert len(record) < 500 + 50
        peer.incoming.write(record)
        assert await peer.receive(500) == b"0123456789" * 50

    our_run(main())


def test_many_records_at_once_are_received_at_once(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        for _ in range(20):
            peer.sslobj.write(b"0123456789")
        await peer.flush()
        assert await protocol.receives(200) == b"0123456789" * 20
        assert protocol.events == ["made", "data"]

    run(main())


def test_a_record_may_come_byte_by_byte(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        peer.sslobj.write(b"slowly")
        for byte in peer.outgoing.read():
            await bench.loop.sock_sendall(peer.sock, bytes([byte]))
            await next_iteration(bench.loop)
        assert await protocol.receives(6) == b"slowly"

    run(main())


def test_data_written_in_connection_made_is_sent(run: Any, bench: Any) -> None:
    class Eager(Recorder):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.write(b"first")

    async def main() -> None:
        _, address = await bench.serve(Eager, ssl=server_context())
        peer = await dial(bench, address)
        assert await peer.receive(5) == b"first"

    run(main())


def test_data_that_comes_with_the_end_of_the_handshake_is_received(run: Any, bench: Any) -> None:
    async def main() -> None:
        _, address = await bench.serve(ssl=server_context())
        peer = await dial(bench, address, handshakes=False)

        def begin() -> None:
            peer.sslobj.do_handshake()
            peer.sslobj.write(b"at once")

        await peer.attempt(begin)
        protocol = await bench.first_accepted()
        assert await protocol.receives(7) == b"at once"
        assert protocol.events == ["made", "data"]

    run(main())


def test_a_paused_protocol_receives_nothing_until_it_is_resumed(run: Any, bench: Any) -> None:
    data = pattern(500_000)

    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        assert transport.is_reading()
        transport.pause_reading()
        assert not transport.is_reading()
        sending = bench.loop.create_task(peer.send(data))
        for _ in range(3):
            await next_iteration(bench.loop)
        assert protocol.events == ["made"]
        transport.resume_reading()
        assert await protocol.receives(len(data)) == data
        await sending

    run(main())


def test_a_protocol_that_pauses_in_data_received_gets_the_rest_later(run: Any, bench: Any) -> None:
    data = pattern(300_000)

    class Careful(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.pause_reading()

    async def main() -> None:
        protocol = Careful()
        _, peer = await connect(bench, protocol)
        sending = bench.loop.create_task(peer.send(data))
        seen = 0
        while len(protocol.received) < len(data):
            await protocol.until(lambda: len(protocol.received) > seen)  # noqa: B023
            seen = len(protocol.received)
            await next_iteration(bench.loop)
            assert len(protocol.received) == seen
            protocol.transport.resume_reading()
        assert protocol.received == data
        await sending

    run(main())


def test_a_paused_protocol_hears_of_the_end_after_it_got_all_data(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.pause_reading()
        await peer.send(b"last words")
        peer.sock.close()
        await next_iteration(bench.loop)
        transport.resume_reading()
        assert await protocol.lost() is None
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_a_protocol_is_paused_while_the_peer_does_not_read(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol, small=True)
        transport.set_write_buffer_limits(high=10_000, low=5_000)
        assert transport.get_write_buffer_limits() == (5_000, 10_000)
        size = 0
        while "pause" not in protocol.events:
            transport.write(bytes(100_000))
            size += 100_000
            assert size < 100_000_000
        assert transport.get_write_buffer_size() >= 10_000
        assert await peer.receive(size) == bytes(size)
        await protocol.seen("resume")
        assert transport.get_write_buffer_size() <= 5_000

    run(main())


def test_marks_that_make_no_sense_are_refused(run: Any, bench: Any) -> None:
    async def main() -> None:
        transport, _ = await connect(bench, Recorder())
        assert transport.get_write_buffer_limits() == (131072, 524288)
        with pytest.raises(ValueError, match="must be >= low"):
            transport.set_write_buffer_limits(high=1, low=2)

    run(main())


def test_an_error_in_pause_writing_is_reported(run: Any, bench: Any, reported: Any) -> None:
    class Faulty(Recorder):
        def pause_writing(self) -> None:
            raise RuntimeError("no")

    async def main() -> None:
        protocol = Faulty()
        transport, peer = await connect(bench, protocol, small=True)
        for _ in range(3):
            transport.write(bytes(1_000_000))
        assert await peer.receive(3_000_000) == bytes(3_000_000)

    run(main())
    assert reported.messages() == ["protocol.pause_writing() failed"]


def test_the_protocol_may_be_changed(run: Any, bench: Any) -> None:
    async def main() -> None:
        transport, peer = await connect(bench, Recorder())
        other = BufferedRecorder()
        transport.set_protocol(other)
        assert transport.get_protocol() is other
        await peer.send(b"for the other")
        assert await other.receives(13) == b"for the other"

    run(main())


def test_an_empty_buffer_of_a_protocol_ends_the_connection(
    our_run: Any, our_bench: Any, reported: Any
) -> None:
    """With asyncio the data is never received."""

    async def main() -> None:
        protocol = BufferedRecorder()
        _, peer = await connect(our_bench, protocol)
        protocol.size = 0
        await peer.send(b"x")
        assert isinstance(await protocol.lost(), RuntimeError)

    our_run(main())
    assert reported.messages() == ["Fatal error on SSL protocol"]


def test_both_sides_may_write_at_once(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(
            bench, protocol, client=older(client_context()), server=older(server_context())
        )
        transport.write(b"one")
        await peer.send(b"two")
        assert await peer.receive(3) == b"one"
        assert await protocol.receives(3) == b"two"
        assert transport.get_extra_info("ssl_object").version() == "TLSv1.2"

    run(main())


def test_many_connections_share_the_loops_buffers(run: Any, bench: Any) -> None:
    class Echo(Recorder):
        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def main() -> None:
        _, address = await bench.serve(Echo, ssl=server_context())
        peers = [await dial(bench, address) for _ in range(10)]

        async def talk(peer: Any, number: int) -> None:
            data = bytes([number]) * (number * 7000 + 1)
            for _ in range(3):
                receiving = bench.loop.create_task(peer.receive(len(data)))
                await peer.send(data)
                assert await receiving == data

        await asyncio.gather(*[talk(peer, number) for number, peer in enumerate(peers)])

    run(main())
