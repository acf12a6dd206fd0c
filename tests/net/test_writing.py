"""What is written arrives: whole, in order, as it was when it was written."""

import array

import pytest

from .support import Recorder, next_iteration, receive_all


async def sent(bench, write, **options):
    """Returns what a peer receives of a transport that `write` is called with and then closed."""
    transport, _, peer = await bench.connect(**options)
    write(transport)
    transport.close()
    return await bench.loop.run_in_executor(None, receive_all, peer)


@pytest.mark.parametrize(
    "data",
    [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"xabcx")[1:4]],
    ids=["bytes", "bytearray", "memoryview", "slice"],
)
def test_what_is_bytes_like_is_sent(data, bench, run):
    assert run(sent(bench, lambda transport: transport.write(data))) == b"abc"


def test_a_view_of_other_items_than_bytes_is_sent_as_its_bytes(our_bench, our_run):
    numbers = array.array("I", range(100))
    data = our_run(sent(our_bench, lambda transport: transport.write(memoryview(numbers))))
    assert data == numbers.tobytes()


def test_a_view_with_gaps_is_sent_without_them(our_bench, our_run):
    view = memoryview(b"a-b-c-")[::2]
    assert our_run(sent(our_bench, lambda transport: transport.write(view))) == b"abc"


def test_a_buffer_that_changes_after_write_is_sent_as_it_was(bench, run):
    def write(transport):
        data = bytearray(b"before")
        transport.write(data)
        data[:] = b"after!"

    assert run(sent(bench, write)) == b"before"


def test_a_buffer_that_changes_while_it_waits_is_sent_as_it_was(our_bench, our_run):
    """In asyncio the transport keeps a view of what is left, and sends what that shows by then."""

    def write(transport):
        data = bytearray(b"1" * 500_000)
        transport.write(data)
        data[:] = b"2" * 500_000

    assert our_run(sent(our_bench, write, small=True)) == b"1" * 500_000


def test_a_buffer_can_be_resized_after_write(bench, run):
    def write(transport):
        data = bytearray(b"data")
        transport.write(data)
        data.clear()

    assert run(sent(bench, write)) == b"data"


@pytest.mark.parametrize("data", ["text", None, 7, [b"x"]])
def test_what_is_not_bytes_like_is_refused(data, bench, run):
    def write(transport):
        with pytest.raises(TypeError):
            transport.write(data)
        assert transport.get_write_buffer_size() == 0

    assert run(sent(bench, write)) == b""


def test_an_empty_write_sends_nothing(bench, run):
    def write(transport):
        transport.write(b"")
        assert transport.get_write_buffer_size() == 0

    assert run(sent(bench, write)) == b""


def test_writes_arrive_in_order(bench, run):
    def write(transport):
        for number in range(1000):
            transport.write(b"%d " % number)

    assert run(sent(bench, write)) == b"".join(b"%d " % number for number in range(1000))


def test_what_one_callback_writes_waits_for_its_end(our_bench, our_run):
    async def main():
        transport, _, _ = await our_bench.connect()
        transport.write(b"one")
        transport.write(b"two")
        assert transport.get_write_buffer_size() == 6

    our_run(main())


def test_what_was_gathered_is_gone_when_the_batch_is_over(our_bench, our_run):
    async def main():
        transport, _, peer = await our_bench.connect()
        transport.write(b"one")
        transport.write(b"two")
        await next_iteration(our_bench.loop)
        assert transport.get_write_buffer_size() == 0
        peer.setblocking(False)
        assert peer.recv(100) == b"onetwo"

    our_run(main())


def test_writelines_sends_all_pieces_in_order(bench, run):
    pieces = [b"one", bytearray(b"two"), b"", memoryview(b"three")]
    assert run(sent(bench, lambda transport: transport.writelines(pieces))) == b"onetwothree"


def test_writelines_takes_an_iterator(bench, run):
    def write(transport):
        transport.writelines(b"%d" % number for number in range(10))

    assert run(sent(bench, write)) == b"0123456789"


def test_writelines_of_more_pieces_than_one_call_takes_sends_them_all(bench, run):
    pieces = [b"%d " % number for number in range(3000)]
    assert run(sent(bench, lambda transport: transport.writelines(pieces))) == b"".join(pieces)


def test_writelines_with_nothing_sends_nothing(bench, run):
    assert run(sent(bench, lambda transport: transport.writelines([]))) == b""


def test_writelines_sends_nothing_when_one_piece_is_refused(our_bench, our_run):
    # On our loop only: from Python 3.15 on asyncio sends what comes before that piece.
    def write(transport):
        with pytest.raises(TypeError):
            transport.writelines([b"good", "bad"])
        assert transport.get_write_buffer_size() == 0

    assert our_run(sent(our_bench, write)) == b""


@pytest.mark.parametrize("size", [1, 65536, 65537, 1_000_000])
def test_a_write_of_any_size_arrives_whole(size, bench, run):
    data = bytes(number % 251 for number in range(size))
    assert run(sent(bench, lambda transport: transport.write(data), small=True)) == data


def test_many_pieces_arrive_whole_through_partial_sends(bench, run):
    pieces = [bytes([number % 256]) * (number * 37 % 4001) for number in range(500)]

    def write(transport):
        for piece in pieces:
            transport.write(piece)

    assert run(sent(bench, write, small=True)) == b"".join(pieces)


def test_a_write_behind_unsent_data_arrives_after_it(bench, run):
    async def main():
        transport, _, peer = await bench.connect(small=True)
        transport.write(b"1" * 300_000)
        await next_iteration(bench.loop)
        transport.write(b"2")
        transport.close()
        data = await bench.loop.run_in_executor(None, receive_all, peer)
        assert data == b"1" * 300_000 + b"2"

    run(main())


def test_a_write_while_the_transport_closes_is_still_sent_behind_unsent_data(bench, run):
    async def main():
        transport, _, peer = await bench.connect(small=True)
        transport.write(b"1" * 300_000)
        transport.close()
        transport.write(b"2")
        data = await bench.loop.run_in_executor(None, receive_all, peer)
        assert data == b"1" * 300_000 + b"2"

    run(main())


def test_a_write_after_the_connection_was_lost_is_dropped(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.close()
        await protocol.lost()
        transport.write(b"late")
        assert transport.get_write_buffer_size() == 0
        assert receive_all(peer) == b""

    run(main())


def test_writelines_after_the_connection_was_lost_is_dropped(our_bench, our_run):
    """In asyncio it is a TypeError."""

    async def main():
        transport, protocol, _ = await our_bench.connect()
        transport.close()
        await protocol.lost()
        transport.writelines([b"late"])
        assert transport.get_write_buffer_size() == 0

    our_run(main())


def test_a_write_after_abort_is_dropped(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        transport.abort()
        transport.write(b"late")
        assert transport.get_write_buffer_size() == 0
        assert await bench.loop.run_in_executor(None, receive_all, peer) == b""

    run(main())


def test_many_writes_to_a_lost_connection_are_warned_about(bench, run, caplog):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.abort()
        await protocol.lost()
        for _ in range(10):
            transport.write(b"late")

    run(main())
    assert {record.message for record in caplog.records} == {"socket.send() raised exception."}


def test_write_eof_sends_all_that_was_written_and_then_the_end(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(b"1" * 300_000)
        transport.write_eof()
        data = await bench.loop.run_in_executor(None, receive_all, peer)
        assert data == b"1" * 300_000
        peer.sendall(b"answer")
        assert await protocol.receives(6) == b"answer"

    run(main())


def test_write_eof_with_nothing_written_ends_at_once(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        transport.write_eof()
        assert peer.recv(1) == b""
        assert not transport.is_closing()

    run(main())


@pytest.mark.parametrize(
    ("method", "data"),
    [("write", b"x"), ("write", b""), ("writelines", [b"x"]), ("writelines", [])],
)
def test_writing_after_write_eof_is_refused(method, data, bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        transport.write_eof()
        with pytest.raises(RuntimeError, match=r"after write_eof\(\)"):
            getattr(transport, method)(data)

    run(main())


def test_a_second_write_eof_does_nothing(bench, run):
    def write(transport):
        transport.write(b"x")
        transport.write_eof()
        transport.write_eof()

    assert run(sent(bench, write)) == b"x"


def test_write_eof_after_close_does_nothing(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.close()
        transport.write_eof()
        await protocol.lost()
        transport.write_eof()
        assert protocol.events == ["made", ("lost", None)]

    run(main())


def test_a_stream_can_be_ended_on_one_side(bench, run):
    async def main():
        transport, _, _ = await bench.connect()
        assert transport.can_write_eof() is True

    run(main())


def test_what_connection_made_writes_is_sent(bench, run):
    class Greeter(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"hello")

    async def main():
        transport, _, peer = await bench.connect(Greeter())
        transport.close()
        assert await bench.loop.run_in_executor(None, receive_all, peer) == b"hello"

    run(main())


def test_what_connection_lost_writes_is_dropped(bench, run):
    class Late(Recorder):
        def connection_lost(self, exc):
            self.transport.write(b"late")
            super().connection_lost(exc)

    async def main():
        transport, protocol, peer = await bench.connect(Late())
        transport.close()
        await protocol.lost()
        assert await bench.loop.run_in_executor(None, receive_all, peer) == b""

    run(main())
