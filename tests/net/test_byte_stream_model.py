"""Hypothesis drives one side of a connection, against a model of what a byte stream is.

The model: what was written before the end arrives, in order and whole, or a beginning of it when
the connection was aborted; a protocol is called in the one order there is, nothing comes after
`connection_lost`, and that comes once. Which protocol is set, and whether reading is paused, loses
no byte. The loop is stepped, and the peer's socket never blocks, so nothing depends on time.
"""

import asyncio
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import LOOPS
from .support import BufferedRecorder, HalfOpen, Record, make_small, step, tcp_pair

SIZES = st.sampled_from([0, 1, 100, 5_000, 65_536, 65_537, 200_000])

OPERATIONS = st.one_of(
    st.tuples(st.just("write"), SIZES),
    st.tuples(st.just("writelines"), st.lists(SIZES, max_size=4)),
    st.tuples(st.just("peer writes"), SIZES),
    st.tuples(st.just("set limits"), st.sampled_from([0, 1, 1_000, 65_536])),
    st.tuples(
        st.sampled_from(
            [
                "pause",
                "resume",
                "write_eof",
                "close",
                "abort",
                "switch",
                "step",
                "peer reads",
                "peer ends",
            ]
        ),
        st.none(),
    ),
)


class Listening(HalfOpen):
    pass


class ListeningBuffered(BufferedRecorder):
    size = 3_000

    def eof_received(self):
        self.note("eof")
        return True


class Run:
    """A connected pair and the model beside it."""

    def __init__(self, make_loop):
        # asyncio's own tells of the end again when reading is paused and resumed after it.
        self.most_ends = 1 if make_loop is LOOPS["mainspring"] else 100
        self.reports = []
        self.loop = make_loop()
        self.loop.set_exception_handler(lambda _, context: self.reports.append(context))
        self.ours, self.peer = tcp_pair()
        make_small(self.ours, self.peer)
        self.peer.setblocking(False)
        self.protocols = [Listening()]
        self.shared(self.protocols[0])
        self.transport, _ = self.loop.run_until_complete(
            self.loop.create_connection(lambda: self.protocols[0], sock=self.ours)
        )
        self.written = bytearray()  # by the transport
        self.arrived = bytearray()  # at the peer
        self.sent = bytearray()  # by the peer
        self.at_end = False  # the peer has seen the end
        self.peer_has_ended = False
        self.takes_writes = True
        self.is_ended = False
        self.is_aborted = False
        self.counter = 0

    def shared(self, protocol: Record):
        """Gives all protocols of this run the same record."""
        if len(self.protocols) > 1:
            protocol.events = self.protocols[0].events
            protocol.received = self.protocols[0].received

    def bytes_of(self, size):
        """Returns bytes that are different each time."""
        self.counter += 1
        return (self.counter.to_bytes(4, "big") * (size // 4 + 1))[:size]

    def do(self, operation, argument):
        method = getattr(self, operation.replace(" ", "_"))
        method() if argument is None else method(argument)
        self.check()

    def write(self, size):
        self.write_by(lambda pieces: self.transport.write(pieces[0]), [size])

    def writelines(self, sizes):
        self.write_by(self.transport.writelines, sizes)

    def write_by(self, method, sizes):
        if self.is_ended or not self.takes_writes:
            return
        pieces = [self.bytes_of(size) for size in sizes]
        method(pieces)
        self.written += b"".join(pieces)

    def peer_writes(self, size):
        if self.at_end or self.peer_has_ended:
            return
        try:
            data = self.bytes_of(size)
            self.sent += data[: self.peer.send(data)]
        except BlockingIOError:
            pass
        except OSError:
            assert self.is_ended

    def peer_ends(self):
        if not self.at_end and not self.peer_has_ended:
            try:
                self.peer.shutdown(socket.SHUT_WR)
            except OSError:
                assert self.is_ended
            self.peer_has_ended = True

    def peer_reads(self):
        while not self.at_end:
            try:
                data = self.peer.recv(65536)
            except BlockingIOError:
                return
            except ConnectionResetError:
                # The system's answer when an end was closed with data unread.
                assert self.is_ended
                self.is_aborted = True
                data = b""
            self.arrived += data
            self.at_end = not data

    def set_limits(self, high):
        self.transport.set_write_buffer_limits(high=high)

    def pause(self):
        self.transport.pause_reading()

    def resume(self):
        self.transport.resume_reading()

    def write_eof(self):
        self.transport.write_eof()
        self.takes_writes = False

    def close(self):
        self.transport.close()
        self.is_ended = True

    def abort(self):
        if self.transport.get_protocol() is not None:
            self.transport.abort()
        self.is_ended = self.is_aborted = True

    def switch(self):
        if self.transport.get_protocol() is None:
            return
        kind = ListeningBuffered if len(self.protocols) % 2 else Listening
        protocol = kind()
        protocol.transport = self.transport
        self.protocols.append(protocol)
        self.shared(protocol)
        self.transport.set_protocol(protocol)

    def step(self):
        step(self.loop)

    def check(self):
        events = self.protocols[0].events
        received = self.protocols[0].received
        assert self.written.startswith(self.arrived)
        assert self.sent.startswith(received)
        lost = [event for event in events if isinstance(event, tuple)]
        assert len(lost) <= 1
        assert not lost or events[-1] is lost[0]
        assert events[0] == "made"
        assert events.count("made") == 1
        assert events.count("eof") <= (self.most_ends if self.peer_has_ended else 0)
        flow = [event for event in events if event in ("pause", "resume")]
        assert flow == (["pause", "resume"] * len(flow))[: len(flow)]
        assert self.reports == []

    def finish(self):
        """Lets all arrive that is to arrive, ends the connection, and checks what came of it."""
        if not self.is_ended:
            self.transport.resume_reading()
            self.turn(lambda: len(self.protocols[0].received) == len(self.sent))
            self.close()
        self.turn(lambda: self.at_end and self.transport.get_protocol() is None)
        if not self.is_aborted:
            assert self.arrived == self.written
        [lost] = [event for event in self.protocols[0].events if isinstance(event, tuple)]
        if not self.is_aborted:
            assert lost == ("lost", None)
        before = list(self.protocols[0].events)
        step(self.loop)
        assert self.protocols[0].events == before

    def turn(self, holds):
        """Steps the loop and reads at the peer until a condition holds."""
        for _ in range(20_000):
            if holds():
                break
            step(self.loop)
            self.peer_reads()
            self.check()
        assert holds()

    def release(self):
        if self.transport.get_protocol() is not None:
            self.transport.abort()
            step(self.loop)
            step(self.loop)
        self.peer.close()
        self.loop.close()


@pytest.mark.parametrize("name", LOOPS)
def test_bytes_arrive_in_order_and_whole_and_the_end_comes_once(name):
    limit = settings(
        max_examples=100 if name == "mainspring" else 25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )

    @limit
    @given(st.lists(OPERATIONS, max_size=25))
    def holds(operations):
        run = Run(LOOPS[name])
        try:
            for operation, argument in operations:
                run.do(operation, argument)
            run.finish()
        finally:
            run.release()

    holds()


def test_the_model_notices_a_byte_that_is_missing():
    run = Run(asyncio.SelectorEventLoop)
    try:
        run.write(100)
        run.written[:1] = b""
        with pytest.raises(AssertionError):
            run.finish()
    finally:
        run.release()
