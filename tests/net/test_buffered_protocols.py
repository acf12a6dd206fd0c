"""`BufferedProtocol`: data is received straight into a buffer of the protocol's."""

import pytest

from .support import BufferedRecorder, Recorder

GET_BUFFER_FAILED = "Fatal error: protocol.get_buffer() call failed."


def test_data_arrives_in_the_buffer_that_the_protocol_gives(bench, run):
    async def main():
        _, protocol, peer = await bench.connect(BufferedRecorder())
        peer.sendall(b"hello")
        assert await protocol.receives(5) == b"hello"
        peer.close()
        await protocol.lost()
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_no_read_is_larger_than_the_buffer(bench, run):
    class Counted(BufferedRecorder):
        size = 10
        counts = ()

        def buffer_updated(self, nbytes):
            self.counts = (*self.counts, nbytes)
            super().buffer_updated(nbytes)

    async def main():
        _, protocol, peer = await bench.connect(Counted())
        peer.sendall(bytes(range(25)))
        assert await protocol.receives(25) == bytes(range(25))
        assert max(protocol.counts) == 10

    run(main())


def test_a_part_of_a_buffer_can_be_given(bench, run):
    class Slice(BufferedRecorder):
        def get_buffer(self, sizehint):
            self.buffer = bytearray(b"........")
            return memoryview(self.buffer)[2:5]

        def buffer_updated(self, nbytes):
            self.received += self.buffer
            self.note("data")

    async def main():
        _, protocol, peer = await bench.connect(Slice())
        peer.sendall(b"abc")
        assert await protocol.receives(8) == b"..abc..."

    run(main())


def test_get_buffer_is_asked_with_a_hint_of_minus_one(bench, run):
    class Hinted(BufferedRecorder):
        def get_buffer(self, sizehint):
            self.hint = sizehint
            return super().get_buffer(sizehint)

    async def main():
        _, protocol, peer = await bench.connect(Hinted())
        peer.sendall(b"x")
        await protocol.receives(1)
        assert protocol.hint == -1

    run(main())


def test_the_buffer_is_free_again_when_it_is_updated(bench, run):
    class Resizing(BufferedRecorder):
        def buffer_updated(self, nbytes):
            del self.buffer[nbytes:]  # a BufferError while anybody still has its memory
            self.received += self.buffer
            self.note("data")

    async def main():
        _, protocol, peer = await bench.connect(Resizing())
        peer.sendall(b"abc")
        assert await protocol.receives(3) == b"abc"

    run(main())


def fails_with(protocol, bench, run, reported, message):
    async def main():
        _, _, peer = await bench.connect(protocol)
        peer.sendall(b"x")
        exc = await protocol.lost()
        [report] = reported.take()
        assert (report["message"], report["exception"]) == (message, exc)
        assert report["protocol"] is protocol
        return exc

    return run(main())


def test_an_empty_buffer_ends_the_connection(bench, run, reported):
    class Empty(BufferedRecorder):
        size = 0

    exc = fails_with(Empty(), bench, run, reported, GET_BUFFER_FAILED)
    assert str(exc) == "get_buffer() returned an empty buffer"


def test_a_get_buffer_that_raises_ends_the_connection(bench, run, reported):
    class Broken(BufferedRecorder):
        def get_buffer(self, sizehint):
            raise ZeroDivisionError

    exc = fails_with(Broken(), bench, run, reported, GET_BUFFER_FAILED)
    assert isinstance(exc, ZeroDivisionError)


def test_a_buffer_updated_that_raises_ends_the_connection(bench, run, reported):
    class Broken(BufferedRecorder):
        def buffer_updated(self, nbytes):
            raise ZeroDivisionError

    message = "Fatal error: protocol.buffer_updated() call failed."
    exc = fails_with(Broken(), bench, run, reported, message)
    assert isinstance(exc, ZeroDivisionError)


@pytest.mark.parametrize("what", [b"read-only", None])
def test_what_is_no_writable_buffer_ends_the_connection(what, bench, run, reported):
    class Wrong(BufferedRecorder):
        def get_buffer(self, sizehint):
            return what

    async def main():
        _, protocol, peer = await bench.connect(Wrong())
        peer.sendall(b"x")
        exc = await protocol.lost()
        assert [report["exception"] for report in reported.take()] == [exc]
        assert isinstance(exc, (TypeError, BufferError))

    run(main())


def test_the_kind_can_change_while_a_buffer_is_updated(bench, run):
    class Greeter(BufferedRecorder):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.set_protocol(self.successor)

    async def main():
        _, first, peer = await bench.connect(Greeter())
        first.successor = Recorder()
        peer.sendall(b"one")
        await first.receives(3)
        peer.sendall(b"two")
        assert await first.successor.receives(3) == b"two"

    run(main())


def test_a_transport_that_is_aborted_while_a_buffer_is_updated_is_read_no_more(bench, run):
    class Aborting(BufferedRecorder):
        size = 4

        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.abort()

    async def main():
        _, protocol, peer = await bench.connect(Aborting())
        peer.sendall(b"abcdefgh")
        await protocol.lost()
        assert protocol.received == b"abcd"

    run(main())
