"""Transports of pipes, FIFOs, sockets, ttys and ptys, as asyncio's."""

import asyncio
import gc
import logging
import os
import socket
import tempfile
import warnings

import pytest

import mainspring
from mainspring import Priority

from .pipe_support import MUCH, ReadRecorder, await_ready
from .support import BufferedRecorder, Recorder, next_iteration


def test_what_is_written_to_a_pipe_is_received(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.read(reading)
        assert protocol.transport is transport
        os.write(writing.fileno(), b"one")
        assert await protocol.receives(3) == b"one"
        os.write(writing.fileno(), b"two")
        assert await protocol.receives(6) == b"onetwo"

    run(main())


def test_the_end_of_the_data_closes_the_transport_whatever_eof_received_returns(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        _, protocol = await pipes.read(reading)
        os.write(writing.fileno(), b"last")
        writing.close()
        assert await protocol.lost() is None
        assert protocol.events == ["made", "data", ("eof", True), ("lost", None)]
        assert protocol.received == b"last"
        await next_iteration(pipes.loop)
        assert reading.closed

    run(main())


def test_a_large_transfer_arrives_whole(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        _, receiver = await pipes.read(reading)
        sender, _ = await pipes.write(writing)
        payload = os.urandom(1_000_000)
        sender.write(payload)
        sender.close()
        await receiver.lost()
        assert bytes(receiver.received) == payload

    run(main())


def test_reading_pauses_and_resumes(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.read(reading)
        transport.pause_reading()
        transport.pause_reading()
        assert not transport.is_reading()
        os.write(writing.fileno(), b"later")
        await next_iteration(pipes.loop)
        assert protocol.received == b""
        transport.resume_reading()
        transport.resume_reading()
        assert transport.is_reading()
        assert await protocol.receives(5) == b"later"
        transport.close()
        assert not transport.is_reading()

    run(main())


def test_connection_made_may_pause_reading(pipes, run):
    class Paused(ReadRecorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    async def main():
        reading, writing = pipes.pair()
        os.write(writing.fileno(), b"early")
        transport, protocol = await pipes.read(reading, Paused())
        await next_iteration(pipes.loop)
        assert protocol.received == b""
        transport.resume_reading()
        assert await protocol.receives(5) == b"early"

    run(main())


def test_a_protocol_may_be_replaced(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, first = await pipes.read(reading)
        second = Recorder()
        transport.set_protocol(second)
        assert transport.get_protocol() is second
        os.write(writing.fileno(), b"x")
        await second.receives(1)
        assert first.received == b""

    run(main())


def test_a_buffered_protocol_is_read_into(our_pipes, our_run):
    async def main():
        reading, writing = our_pipes.pair()
        _, protocol = await our_pipes.read(reading, BufferedRecorder())
        os.write(writing.fileno(), b"x" * 100)
        assert await protocol.receives(100) == b"x" * 100

    our_run(main())


def test_a_protocol_that_fails_is_reported_and_goes_on_receiving(pipes, run, reported):
    class Failing(ReadRecorder):
        def data_received(self, data):
            super().data_received(data)
            raise ZeroDivisionError

    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.read(reading, Failing())
        os.write(writing.fileno(), b"1")
        await protocol.receives(1)
        await next_iteration(pipes.loop)
        os.write(writing.fileno(), b"2")
        await protocol.receives(2)
        assert not transport.is_closing()

    run(main())
    assert [type(context["exception"]) for context in reported.take()] == [ZeroDivisionError] * 2


def test_eof_received_that_fails_is_reported_and_the_pipe_is_closed(pipes, run, reported):
    class Failing(ReadRecorder):
        def eof_received(self):
            raise ZeroDivisionError

    async def main():
        reading, writing = pipes.pair()
        _, protocol = await pipes.read(reading, Failing())
        writing.close()
        assert await protocol.lost() is None

    run(main())
    assert isinstance(reported.take()[0]["exception"], ZeroDivisionError)


def test_writes_arrive_in_order_and_whole(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, _ = await pipes.write(writing)
        transport.write(b"a")
        transport.write(bytearray(b"b"))
        transport.writelines([memoryview(b"c"), b"", b"d"])
        assert await pipes.drain(reading, 4) == b"abcd"

    run(main())


def test_a_write_outside_of_a_running_loop_is_made_at_once(pipes, run):
    reading, writing = pipes.pair()
    transport, _ = run(pipes.write(writing))
    transport.write(b"now")
    assert os.read(reading.fileno(), 10) == b"now"
    transport.write(b"again")
    transport.close()
    assert os.read(reading.fileno(), 10) == b"again"


def test_a_full_pipe_pauses_the_protocol_and_room_resumes_it(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        transport.write(MUCH)
        assert protocol.events == ["made", "pause"]
        assert 0 < transport.get_write_buffer_size() < len(MUCH)
        assert await pipes.drain(reading, len(MUCH)) == MUCH
        await protocol.seen("resume")
        assert transport.get_write_buffer_size() == 0

    run(main())


def test_the_marks_of_a_pipe_can_be_set(pipes, run):
    async def main():
        _, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        assert transport.get_write_buffer_limits() == (16384, 65536)
        transport.set_write_buffer_limits(high=2_000_000)
        transport.write(MUCH)
        assert protocol.events == ["made"]
        transport.set_write_buffer_limits(high=10, low=5)
        assert transport.get_write_buffer_limits() == (5, 10)
        transport.abort()

    run(main())


@pytest.mark.parametrize("method", ["close", "write_eof"])
def test_closing_sends_what_was_written_and_takes_no_more(method, pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        assert transport.can_write_eof()
        transport.write(MUCH)
        getattr(transport, method)()
        getattr(transport, method)()
        assert transport.is_closing()
        transport.write(b"too late")
        assert await pipes.drain(reading, len(MUCH) + 10) == MUCH
        assert await protocol.lost() is None
        await next_iteration(pipes.loop)
        assert writing.closed

    run(main())


def test_abort_drops_what_the_pipe_does_not_take(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        transport.write(MUCH)
        transport.abort()
        assert transport.get_write_buffer_size() == 0
        assert await protocol.lost() is None
        assert len(await pipes.drain(reading, len(MUCH))) < len(MUCH)

    run(main())


def test_the_end_of_the_reader_closes_an_idle_writer_without_an_error(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        _, protocol = await pipes.write(writing)
        reading.close()
        assert await protocol.lost() is None

    run(main())


def test_the_end_of_the_reader_breaks_the_pipe_of_a_writer_with_something_left(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        transport.write(MUCH)
        reading.close()
        assert isinstance(await protocol.lost(), BrokenPipeError)

    run(main())


def test_a_write_to_a_pipe_without_reader_is_told_as_a_broken_pipe(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        reading.close()
        transport.write(b"x")
        assert isinstance(await protocol.lost(), BrokenPipeError)

    run(main())


def test_writes_to_a_lost_pipe_are_dropped_and_the_log_says_so(pipes, run, caplog):
    async def main():
        reading, writing = pipes.pair()
        transport, protocol = await pipes.write(writing)
        reading.close()
        await protocol.lost()
        for _ in range(10):
            transport.write(b"x")

    with caplog.at_level(logging.WARNING, "asyncio"):
        run(main())
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_the_peer_of_a_socket_is_noticed_when_it_goes(pipes, run):
    async def main():
        ours, theirs = pipes.socket_files()
        transport, protocol = await pipes.write(ours)
        transport.write(b"hello")
        assert await pipes.drain(theirs, 5) == b"hello"
        theirs.close()
        await protocol.lost()

    run(main())


def test_a_socket_can_be_read_as_a_pipe(pipes, run):
    async def main():
        ours, theirs = pipes.socket_files()
        _, protocol = await pipes.read(ours)
        theirs.write(b"hello")
        theirs.close()
        await protocol.lost()
        assert protocol.received == b"hello"

    run(main())


def test_a_socket_object_is_a_pipe_too(pipes, run):
    async def main():
        ours, theirs = socket.socketpair()
        pipes.keep(theirs)
        transport, protocol = await pipes.read(ours)
        assert transport.get_extra_info("pipe") is ours
        theirs.sendall(b"hello")
        await protocol.receives(5)
        transport.close()
        await protocol.lost()
        await next_iteration(pipes.loop)
        assert ours.fileno() == -1

    run(main())


def test_a_named_fifo_with_unread_data_is_no_lost_reader(pipes, run, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)

    async def main():
        reading = pipes.open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
        writing = pipes.open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "wb")
        transport, protocol = await pipes.write(writing)
        transport.write(b"unread")
        await next_iteration(pipes.loop)
        assert protocol.events == ["made"]
        assert reading.read(10) == b"unread"
        reading.close()
        assert await protocol.lost() is None

    run(main())


def test_a_pty_is_read_and_written(pipes, run):
    async def main():
        master, slave = pipes.pty()
        reader, received = await pipes.read(master)
        writer, _ = await pipes.write(slave)
        writer.write(b"typed")
        assert await received.receives(5) == b"typed"
        reader.close()
        await received.lost()

    run(main())


def test_what_is_typed_does_not_close_the_writer_of_a_pty(pipes, run):
    async def main():
        master, slave = pipes.pty()
        transport, protocol = await pipes.write(slave)
        os.write(master.fileno(), b"typed")
        await_ready(slave)
        await next_iteration(pipes.loop)
        assert not transport.is_closing()
        transport.close()
        await protocol.lost()

    run(main())


def test_the_end_of_a_ptys_slaves_is_an_error_that_is_not_reported(pipes, run):
    async def main():
        master, slave = pipes.pty()
        _, protocol = await pipes.read(master)
        slave.close()
        exc = await protocol.lost()
        assert isinstance(exc, OSError)
        assert "eof" not in protocol.events

    run(main())


def test_dev_null_takes_everything(pipes, run):
    async def main():
        transport, protocol = await pipes.write(pipes.open(os.open(os.devnull, os.O_WRONLY), "wb"))
        transport.write(MUCH)
        await next_iteration(pipes.loop)
        assert transport.get_write_buffer_size() == 0
        transport.close()
        assert await protocol.lost() is None

    run(main())


def test_dev_null_is_at_its_end(our_pipes, our_run):
    """In asyncio it is an error that is reported, and no end."""

    async def main():
        null = our_pipes.open(os.open(os.devnull, os.O_RDONLY), "rb")
        _, protocol = await our_pipes.read(null)
        assert await protocol.lost() is None
        assert protocol.events == ["made", ("eof", True), ("lost", None)]

    our_run(main())


def test_a_device_that_never_ends_is_read_in_turns_and_can_be_paused(our_pipes, our_run):
    async def main():
        zero = our_pipes.open(os.open("/dev/zero", os.O_RDONLY), "rb")
        transport, protocol = await our_pipes.read(zero)
        await protocol.receives(1_000_000)
        transport.pause_reading()
        received = len(protocol.received)
        await next_iteration(our_pipes.loop)
        assert len(protocol.received) == received
        for _ in range(3):
            transport.resume_reading()
            transport.pause_reading()
        transport.resume_reading()
        await protocol.receives(received + 1)
        transport.close()
        assert await protocol.lost() is None
        assert protocol.received.count(0) == len(protocol.received)

    our_run(main())


@pytest.mark.parametrize("call", ["connect_read_pipe", "connect_write_pipe"])
def test_a_regular_file_is_refused_and_stays_open(call, pipes, run):
    async def main():
        with tempfile.TemporaryFile() as file:
            with pytest.raises(ValueError, match=r"(?i)pipe transport is|transports are"):
                await getattr(pipes.loop, call)(Recorder, file)
            assert not file.closed
            assert os.get_blocking(file.fileno())

    run(main())


@pytest.mark.parametrize("call", ["connect_read_pipe", "connect_write_pipe"])
def test_a_closed_file_is_refused(call, our_pipes, our_run):
    async def main():
        reading, _ = our_pipes.pair()
        reading.close()
        with pytest.raises(ValueError, match="closed file"):
            await getattr(our_pipes.loop, call)(Recorder, reading)

    our_run(main())


@pytest.mark.parametrize("call", ["connect_read_pipe", "connect_write_pipe"])
def test_a_factory_that_fails_leaves_the_pipe_alone(call, pipes, run):
    def factory():
        raise ZeroDivisionError

    async def main():
        reading, _ = pipes.pair()
        with pytest.raises(ZeroDivisionError):
            await getattr(pipes.loop, call)(factory, reading)
        assert not reading.closed

    run(main())


def test_a_cancelled_connect_closes_the_pipe(pipes, run):
    async def main():
        reading, _ = pipes.pair()
        task = asyncio.ensure_future(pipes.loop.connect_read_pipe(ReadRecorder, reading))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await next_iteration(pipes.loop)
        assert reading.closed

    run(main())


def test_the_pipe_is_made_non_blocking_and_can_be_asked_for(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        reader, _ = await pipes.read(reading)
        writer, protocol = await pipes.write(writing)
        assert not os.get_blocking(reading.fileno())
        assert not os.get_blocking(writing.fileno())
        assert reader.get_extra_info("pipe") is reading
        assert writer.get_extra_info("pipe") is writing
        assert writer.get_extra_info("socket") is None
        assert writer.get_extra_info("peername", "default") == "default"
        writer.close()
        await protocol.lost()
        await next_iteration(pipes.loop)
        assert writer.get_extra_info("pipe") is writing

    run(main())


def test_the_transports_are_asyncios(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        reader, _ = await pipes.read(reading)
        writer, _ = await pipes.write(writing)
        assert isinstance(reader, asyncio.ReadTransport)
        assert not isinstance(reader, asyncio.WriteTransport)
        assert isinstance(writer, asyncio.WriteTransport)
        assert not hasattr(reader, "write")

    run(main())


def test_the_repr_tells_the_fd_and_the_state(pipes, run):
    async def main():
        reading, writing = pipes.pair()
        reader, received = await pipes.read(reading)
        writer, _ = await pipes.write(writing)
        fd = reading.fileno()
        await next_iteration(pipes.loop)
        assert f"fd={fd} polling" in repr(reader)
        assert f"fd={writing.fileno()} idle bufsize=0" in repr(writer)
        reader.pause_reading()
        assert f"fd={fd} idle" in repr(reader)
        reader.close()
        assert "closing" in repr(reader)
        await received.lost()
        await next_iteration(pipes.loop)
        assert "closed" in repr(reader)

    run(main())


@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop, mainspring.new_event_loop])
def test_pipes_left_open_are_warned_of_and_closed(new_loop):
    loop = new_loop()
    ends = [os.fdopen(fd, mode, 0) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True)]
    made = [
        loop.run_until_complete(loop.connect_read_pipe(Recorder, ends[0])),
        loop.run_until_complete(loop.connect_write_pipe(Recorder, ends[1])),
    ]
    loop.close()
    assert all("open" in repr(transport) for transport, _ in made)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.clear()
        gc.collect()
    said = [str(warning.message) for warning in caught]
    assert sum("unclosed transport" in message for message in said) == 2
    assert all(end.closed for end in ends)


def test_a_pipe_that_was_closed_by_somebody_else_can_be_taken_away(our_loop, our_run):
    reading, writing = (
        os.fdopen(fd, mode, 0) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True)
    )
    transport, _ = our_run(our_loop.connect_read_pipe(Recorder, reading))
    with pytest.raises(ValueError, match="can't be replaced"):
        transport._pipe = writing
    transport._pipe = None
    assert "closed" in repr(transport)
    assert not reading.closed
    reading.close()
    writing.close()


def test_a_pipe_runs_at_the_priority_that_it_was_given(our_pipes, our_run):
    order = []

    class Ordered(ReadRecorder):
        def data_received(self, data):
            order.append(bytes(data))
            super().data_received(data)

    async def main():
        pairs = [our_pipes.pair() for _ in range(2)]
        _, low = await our_pipes.read(pairs[0][0], Ordered(), priority=Priority.LOW)
        await our_pipes.read(pairs[1][0], Ordered(), priority=Priority.HIGH)
        for name, (_, writing) in zip((b"low", b"high"), pairs, strict=True):
            os.write(writing.fileno(), name)
            await_ready(pairs[0][0])
        await low.receives(3)
        assert order == [b"high", b"low"]
        with pytest.raises(ValueError, match="priority must be"):
            await our_pipes.read(pairs[0][0], priority=9)

    our_run(main())


def test_writes_of_one_callback_go_out_in_one_call(our_pipes, our_run):
    async def main():
        reading, writing = our_pipes.pair()
        transport, _ = await our_pipes.write(writing)
        # A pipe in packet mode keeps each write apart.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        our_pipes.keep(theirs)
        packets, _ = await our_pipes.write(ours)
        for piece in (b"one", b"two", b"three"):
            packets.write(piece)
            transport.write(piece)
        await next_iteration(our_pipes.loop)
        assert theirs.recv(100) == b"onetwothree"
        assert reading.read(100) == b"onetwothree"

    our_run(main())


def test_what_is_not_bytes_is_refused(our_pipes, our_run):
    async def main():
        _, writing = our_pipes.pair()
        transport, _ = await our_pipes.write(writing)
        with pytest.raises(TypeError, match="bytes-like object, not 'str'"):
            transport.write("text")

    our_run(main())


def test_a_closed_loop_connects_no_pipe(our_pipes, our_loop):
    reading, _ = our_pipes.pair()
    our_loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        our_loop.connect_read_pipe(ReadRecorder, reading).send(None)
    assert not reading.closed
