"""A loop for each test: ours, and asyncio's own as the control.

After each test nothing may be left open, and the loop's exception handler must have been told of
nothing that the test didn't take off the record (`reported`).
"""

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import mainspring
from mainspring.net import tls_openssl

from .pipe_support import Pipes
from .support import PATIENCE, Recorder, make_small, open_files, step, tcp_pair

LOOPS = {"asyncio": asyncio.SelectorEventLoop, "mainspring": mainspring.new_event_loop}


class Reports(list[dict[str, Any]]):
    """What the exception handler was told."""

    def take(self) -> list[dict[str, Any]]:
        """Returns what was told so far, as expected: it fails the test no more."""
        taken = self[:]
        self.clear()
        return taken

    def messages(self) -> list[str]:
        """Takes the reports and returns their messages."""
        return [context["message"] for context in self.take()]


@pytest.fixture
def reported() -> Reports:
    return Reports()


@pytest.fixture(autouse=True)
def nothing_stays_open(nothing_hangs: None) -> Iterator[None]:
    """Comes before all other fixtures, so it looks when they have ended."""
    before = open_files().items()
    yield
    if open_files().items() - before:
        gc.collect()
    assert open_files().items() - before == set()


def opened(make: Callable[[], Any], reported: Reports) -> Iterator[Any]:
    loop = make()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    yield loop
    if not loop.is_closed():
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert reported == []


def pytest_generate_tests(metafunc: Any) -> None:
    """Has the tests of TLS run with each of its engines."""
    if "tls" in metafunc.module.__name__:
        metafunc.parametrize("engine", ["openssl", "memory-bio"], indirect=True)


@pytest.fixture(autouse=True)
def engine(request: Any, monkeypatch: Any) -> None:
    """Which engine our TLS connections have: the one that they would, or the other."""
    if getattr(request, "param", None) == "memory-bio":
        monkeypatch.setattr(tls_openssl, "is_usable", False)


@pytest.fixture(params=LOOPS)
def loop(request: Any, reported: Reports) -> Iterator[Any]:
    """A loop of each kind in turn."""
    yield from opened(LOOPS[request.param], reported)


@pytest.fixture
def our_loop(reported: Reports) -> Iterator[Any]:
    """Our loop, for what asyncio doesn't have or doesn't do."""
    yield from opened(mainspring.new_event_loop, reported)


class Bench:
    """Connections on a loop, with raw sockets as their peers; all are closed in the end."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.transports: list[Any] = []
        self.peers: list[socket.socket] = []
        self.servers: list[Any] = []

    def run(self, coroutine: Any) -> Any:
        """Runs a coroutine, for `PATIENCE` at most."""
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))

    def pair(self, *, small: bool = False) -> tuple[socket.socket, socket.socket]:
        ours, peer = tcp_pair()
        if small:
            make_small(ours, peer)
        self.peers.append(peer)
        return ours, peer

    async def connect(
        self, protocol: Any = None, *, small: bool = False, **options: Any
    ) -> tuple[Any, Any, socket.socket]:
        """Returns a transport, its protocol, and the raw blocking socket at the other end."""
        ours, peer = self.pair(small=small)
        made = Recorder() if protocol is None else protocol
        transport, _ = await self.loop.create_connection(lambda: made, sock=ours, **options)
        self.transports.append(transport)
        return transport, made, peer

    async def serve(self, factory: Any = Recorder, **options: Any) -> tuple[Any, tuple[str, int]]:
        """Returns a server on a free port of loopback, and its address."""

        def build() -> Any:
            protocol = factory()
            self.accepted.append(protocol)
            return protocol

        self.accepted: list[Any] = []
        server = await self.loop.create_server(build, "127.0.0.1", 0, **options)
        self.servers.append(server)
        return server, server.sockets[0].getsockname()

    async def first_accepted(self, count: int = 1) -> Any:
        """Waits until that many connections were made; returns the protocol of the first."""
        while sum(protocol.transport is not None for protocol in self.accepted) < count:
            await asyncio.sleep(0)
        return self.accepted[0]

    def dial(self, address: tuple[str, int]) -> socket.socket:
        """Returns a raw blocking socket connected to an address."""
        peer = socket.create_connection(address, timeout=PATIENCE)
        self.peers.append(peer)
        return peer

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        if self.loop.is_closed():
            return
        for server in self.servers:
            server.close()
            self.run(self.until_left(server))
        for transport in self.transports:
            # asyncio's own can't bear to be aborted once they are lost.
            if transport.get_protocol() is not None:
                transport.abort()
        for _ in range(100):
            if all(transport.get_protocol() is None for transport in self.transports):
                break
            # Without a task that waits: it would lock out what has a lower priority.
            step(self.loop)

    async def until_left(self, server: Any) -> None:
        for protocol in getattr(self, "accepted", ()):
            transport = getattr(protocol, "transport", None)
            if transport is not None and transport.get_protocol() is not None:
                transport.abort()
        await server.wait_closed()


@pytest.fixture
def bench(loop: Any) -> Iterator[Bench]:
    made = Bench(loop)
    yield made
    made.close()


@pytest.fixture
def our_bench(our_loop: Any) -> Iterator[Bench]:
    made = Bench(our_loop)
    yield made
    made.close()


@pytest.fixture
def run(bench: Bench) -> Any:
    return bench.run


@pytest.fixture
def our_run(our_bench: Bench) -> Any:
    return our_bench.run


@pytest.fixture
def pipes(loop: Any) -> Iterator[Pipes]:
    made = Pipes(loop)
    yield made
    made.close()


@pytest.fixture
def our_pipes(our_loop: Any) -> Iterator[Pipes]:
    made = Pipes(our_loop)
    yield made
    made.close()
