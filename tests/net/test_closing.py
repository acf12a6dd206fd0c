"""How a connection ends: close, abort, in which callback it may be, and that it is told once."""

import asyncio
import gc
import socket
import warnings

import pytest

import mainspring

from .support import HalfOpen, Recorder, next_iteration, receive_all, tcp_pair

MUCH = bytes(300_000)
MADE_AND_LOST = ["made", ("lost", None)]


def test_close_is_told_in_a_later_iteration(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.close()
        assert protocol.events == ["made"]
        await protocol.lost()
        assert protocol.events == MADE_AND_LOST

    run(main())


def test_is_closing_is_true_from_close_on(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        assert not transport.is_closing()
        transport.close()
        assert transport.is_closing()
        await protocol.lost()
        assert transport.is_closing()

    run(main())


@pytest.mark.parametrize("how", [("close", "close"), ("abort", "abort"), ("close", "abort")])
def test_a_connection_that_is_ended_twice_is_lost_once(how, bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        for method in how:
            getattr(transport, method)()
        await protocol.lost()
        transport.close()
        await next_iteration(bench.loop)
        assert protocol.events == MADE_AND_LOST

    run(main())


def test_close_sends_what_was_written_first(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(MUCH)
        transport.close()
        assert await bench.loop.run_in_executor(None, receive_all, peer) == MUCH
        assert await protocol.lost() is None

    run(main())


def test_close_reads_no_more_while_it_sends(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(MUCH)
        transport.close()
        peer.sendall(b"ignored")
        try:
            await bench.loop.run_in_executor(None, receive_all, peer)
        except ConnectionResetError:
            pass  # unread data makes the system reset what it closes
        await protocol.lost()
        assert protocol.received == b""

    run(main())


def test_abort_does_not_wait_for_what_was_not_sent(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect(small=True)
        transport.write(MUCH)
        transport.abort()
        assert transport.get_write_buffer_size() == 0
        assert await protocol.lost() is None
        assert len(await bench.loop.run_in_executor(None, receive_all, peer)) < len(MUCH)

    run(main())


def test_abort_ends_what_close_waits_for(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect(small=True)
        transport.write(MUCH)
        transport.close()
        transport.abort()
        assert await protocol.lost() is None

    run(main())


def test_abort_still_sends_what_the_system_takes_at_once(bench, run):
    async def main():
        transport, _, peer = await bench.connect()
        transport.write(b"goodbye")
        transport.abort()
        assert await bench.loop.run_in_executor(None, receive_all, peer) == b"goodbye"

    run(main())


@pytest.mark.parametrize("method", ["close", "abort"])
def test_connection_made_may_end_the_connection(method, bench, run):
    class Unwilling(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            getattr(transport, method)()

    async def main():
        _, protocol, peer = await bench.connect(Unwilling())
        await protocol.lost()
        assert protocol.events == MADE_AND_LOST
        assert peer.recv(1) == b""

    run(main())


@pytest.mark.parametrize("method", ["close", "abort"])
def test_data_received_may_end_the_connection(method, bench, run):
    class Sated(Recorder):
        def data_received(self, data):
            super().data_received(data)
            getattr(self.transport, method)()

    async def main():
        _, protocol, peer = await bench.connect(Sated())
        peer.sendall(b"x")
        await protocol.lost()
        assert protocol.events == ["made", "data", ("lost", None)]

    run(main())


@pytest.mark.parametrize("method", ["close", "abort"])
def test_eof_received_may_end_the_connection(method, bench, run):
    class Done(HalfOpen):
        def eof_received(self):
            getattr(self.transport, method)()
            return super().eof_received()

    async def main():
        _, protocol, peer = await bench.connect(Done())
        peer.close()
        await protocol.lost()
        assert protocol.events == ["made", "eof", ("lost", None)]

    run(main())


@pytest.mark.parametrize("method", ["close", "pause_reading", "resume_reading"])
def test_connection_lost_may_call_what_is_too_late(method, bench, run):
    class Late(Recorder):
        def connection_lost(self, exc):
            getattr(self.transport, method)()
            super().connection_lost(exc)

    async def main():
        transport, protocol, _ = await bench.connect(Late())
        transport.close()
        await protocol.lost()
        assert protocol.events == MADE_AND_LOST

    run(main())


def test_abort_after_the_connection_was_lost_does_nothing(our_bench, our_run):
    """In asyncio it fails when the transport was closed with data still to send."""

    async def main():
        transport, protocol, peer = await our_bench.connect(small=True)
        transport.write(MUCH)
        transport.close()
        await our_bench.loop.run_in_executor(None, receive_all, peer)
        await protocol.lost()
        transport.abort()
        assert protocol.events[-1] == ("lost", None)

    our_run(main())


def test_a_close_after_write_eof_ends_the_connection(bench, run):
    async def main():
        transport, protocol, peer = await bench.connect()
        transport.write(b"x")
        transport.write_eof()
        transport.close()
        assert await protocol.lost() is None
        assert receive_all(peer) == b"x"

    run(main())


def test_the_socket_is_closed_after_connection_lost(bench, run):
    class Looking(Recorder):
        def connection_lost(self, exc):
            self.number = self.transport.get_extra_info("socket").fileno()
            super().connection_lost(exc)

    async def main():
        transport, protocol, _ = await bench.connect(Looking())
        transport.close()
        await protocol.lost()
        assert protocol.number >= 0
        await next_iteration(bench.loop)
        assert transport.get_extra_info("socket").fileno() == -1

    run(main())


def test_a_transport_lets_go_of_its_protocol(bench, run):
    async def main():
        transport, protocol, _ = await bench.connect()
        transport.close()
        await protocol.lost()
        await next_iteration(bench.loop)
        assert transport.get_protocol() is None

    run(main())


def opened_on_a_loop_of_its_own():
    """Returns a loop, a transport on it that nothing else holds, and the peer."""
    loop = mainspring.new_event_loop()
    one, other = tcp_pair()
    transport, _ = loop.run_until_complete(loop.create_connection(asyncio.Protocol, sock=one))
    return loop, transport, other


def test_a_transport_that_is_open_when_its_loop_closes_is_warned_about_and_closed():
    loop, transport, peer = opened_on_a_loop_of_its_own()
    del transport
    with pytest.warns(ResourceWarning, match="unclosed transport"):
        loop.close()
    with peer:
        assert peer.recv(1) == b""


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_transport_that_is_held_can_be_ended_after_its_loop_was_closed(method):
    loop, transport, peer = opened_on_a_loop_of_its_own()
    loop.close()
    with peer:
        getattr(transport, method)()
        assert transport.is_closing()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ResourceWarning)
            del transport, loop
            gc.collect()
        assert any("unclosed transport" in str(warning.message) for warning in told)
        assert peer.recv(1) == b""


def test_a_transport_that_closes_with_its_loop_is_closed_where_warnings_are_errors(monkeypatch):
    loop = mainspring.new_event_loop()
    told = []
    monkeypatch.setattr("sys.unraisablehook", lambda raised: told.append(raised.exc_value))

    async def accept_one():
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        peer = socket.create_connection(server.sockets[0].getsockname(), timeout=30)
        await next_iteration(loop)
        server.close()
        return peer

    with loop.run_until_complete(accept_one()) as peer, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        loop.close()
        gc.collect()
        assert peer.recv(1) == b""
    assert [type(exc) for exc in told] == [ResourceWarning]


def test_a_transport_can_not_be_cancelled_as_if_it_were_a_handle(our_bench, our_run):
    async def main():
        transport, _, _ = await our_bench.connect()
        with pytest.raises(TypeError, match=r"use close\(\) or abort\(\)"):
            transport.cancel()

    our_run(main())
