"""Accepting when something is wrong: the factory raises, the peer is gone, the fds are used up."""

import asyncio
import errno
import socket

import pytest

import mainspring
from mainspring.core.clock import Clock

from .support import PATIENCE, Recorder, await_readable, no_fd_left, receive_all, reset


class Oops(Exception):
    pass


def test_a_factory_that_raises_is_reported_and_its_connection_closed(our_bench, our_run, reported):
    def fail():
        raise Oops

    async def main():
        _, address = await our_bench.serve(fail)
        peer = our_bench.dial(address)
        assert await our_bench.loop.run_in_executor(None, receive_all, peer) == b""
        [report] = reported.take()
        assert report["message"] == "Error on transport creation for incoming connection"
        assert isinstance(report["exception"], Oops)

    our_run(main())


def test_a_server_goes_on_after_its_factory_raised(our_bench, our_run, reported):
    """So does asyncio's, but it reports it in debug mode only and leaves the socket open."""
    protocols = iter([None, Recorder()])

    def build():
        protocol = next(protocols)
        if protocol is None:
            raise Oops
        made.append(protocol)
        return protocol

    made = []

    async def main():
        server = await our_bench.loop.create_server(build, "127.0.0.1", 0)
        our_bench.servers.append(server)
        address = server.sockets[0].getsockname()
        first = our_bench.dial(address)
        assert await our_bench.loop.run_in_executor(None, receive_all, first) == b""
        second = our_bench.dial(address)
        second.sendall(b"x")
        second.close()
        while not made:
            await asyncio.sleep(0)
        await made[0].lost()
        assert made[0].received == b"x"
        reported.take()

    our_run(main())


@pytest.mark.parametrize("made", [None, object()])
def test_a_factory_that_makes_no_protocol_is_reported_and_its_connection_closed(
    made, our_bench, our_run, reported
):
    async def main():
        server = await our_bench.loop.create_server(lambda: made, "127.0.0.1", 0)
        async with server:
            peer = our_bench.dial(server.sockets[0].getsockname())
            assert await our_bench.loop.run_in_executor(None, receive_all, peer) == b""
            [report] = reported.take()
            assert "connection_made" in str(report["exception"])

    our_run(main())


def test_a_connection_that_was_reset_before_it_was_accepted_harms_nobody(bench, run):
    async def main():
        server, address = await bench.serve()
        reset(bench.dial(address))
        peer = bench.dial(address)
        peer.sendall(b"x")
        while not any(protocol.received for protocol in bench.accepted):
            await asyncio.sleep(0)
        server.close()

    run(main())


class Stopped(Clock):
    """A clock that stands still until it is told to go on."""

    time = 1_000_000_000

    def now(self):
        return self.time


class Scene:
    """A server on a loop whose time stands still, and a peer that waits to be accepted."""

    def __init__(self, our_reports):
        self.clock = Stopped()
        self.loop = mainspring.Loop(clock=self.clock)
        self.loop.set_exception_handler(lambda _, context: our_reports.append(context))
        self.protocol = Recorder()
        coroutine = self.loop.create_server(lambda: self.protocol, "127.0.0.1", 0)
        self.server = self.loop.run_until_complete(coroutine)
        self.address = self.server.sockets[0].getsockname()

    def steps(self, count=5):
        for _ in range(count):
            self.loop.step()

    def pass_a_second(self):
        self.clock.time += 1_000_000_001

    def close(self):
        self.server.close()
        if self.protocol.transport is not None:
            self.protocol.transport.abort()
        self.steps()
        self.loop.close()


@pytest.fixture
def scene(reported):
    made = Scene(reported)
    yield made
    made.close()
    assert reported == []


@pytest.fixture
def waiting_peer(scene):
    with socket.create_connection(scene.address, timeout=PATIENCE) as peer:
        await_readable(scene.server.sockets[0])
        yield peer


def test_a_server_without_fds_reports_it_once_and_stops_looking(scene, waiting_peer, reported):
    with no_fd_left():
        scene.steps(10)
        [report] = reported.take()
        assert report["message"] == "socket.accept() out of system resource"
        assert report["exception"].errno == errno.EMFILE
        assert report["socket"].fileno() == scene.server.sockets[0].fileno()


def test_a_server_that_has_no_fds_a_second_later_reports_it_again(scene, waiting_peer, reported):
    with no_fd_left():
        scene.steps()
        scene.pass_a_second()
        scene.steps()
        assert [report["exception"].errno for report in reported.take()] == [errno.EMFILE] * 2


def test_a_server_that_has_fds_again_serves_the_connection_that_waits(
    scene, waiting_peer, reported
):
    with no_fd_left() as free_one:
        scene.steps()
        reported.take()
        free_one()
        # And one to spare: the system refuses to look for another connection without an fd for it.
        free_one()
        scene.steps()
        assert scene.protocol.events == []
        scene.pass_a_second()
        scene.steps()
        assert scene.protocol.events == ["made"]
        waiting_peer.sendall(b"hello")
        await_readable(scene.protocol.transport.get_extra_info("socket"))
        scene.steps()
        assert scene.protocol.received == b"hello"


def test_other_connections_are_served_while_there_are_no_fds(scene, waiting_peer, reported):
    scene.steps()
    waiting_peer.sendall(b"hello")
    await_readable(scene.protocol.transport.get_extra_info("socket"))
    with no_fd_left():
        scene.steps()
    assert scene.protocol.received == b"hello"


def test_a_server_that_is_closed_while_it_has_no_fds_stays_closed(scene, waiting_peer, reported):
    with no_fd_left():
        scene.steps()
        reported.take()
        scene.server.close()
    scene.pass_a_second()
    scene.steps()
    assert scene.protocol.events == []
