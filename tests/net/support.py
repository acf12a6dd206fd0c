"""What the tests of connections share: protocols that keep a record, and raw sockets as the peer.

Nothing here waits for time to pass. A test waits for an event of a protocol (`until`), or for the
kernel to say that a socket is ready (`await_readable`), and only a hang meets `PATIENCE`.
"""

import asyncio
import contextlib
import errno
import os
import resource
import select
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE = 30


class Record:
    """A list of what happened, and a way to wait until enough has."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.transport: Any = None
        self.received = bytearray()
        self._waiters: list[tuple[Callable[[], Any], asyncio.Future[None]]] = []

    def note(self, event: Any) -> None:
        self.events.append(event)
        for holds, future in self._waiters[:]:
            if not future.done() and holds():
                future.set_result(None)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Waits until a condition holds; it is looked at after each event."""
        if holds():
            return
        future = asyncio.get_running_loop().create_future()
        self._waiters.append((holds, future))
        await future

    async def seen(self, event: Any) -> None:
        """Waits until an event is on the record."""
        await self.until(lambda: event in self.events)

    async def lost(self) -> Any:
        """Waits for `connection_lost`; returns its exception."""
        await self.until(lambda: any(self.lost_with()))
        return self.lost_with()[0][1]

    def lost_with(self) -> list[tuple[str, Any]]:
        return [e for e in self.events if isinstance(e, tuple) and e[0] == "lost"]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.note("made")

    def connection_lost(self, exc: Any) -> None:
        self.note(("lost", exc))

    def eof_received(self) -> Any:
        self.note("eof")

    def pause_writing(self) -> None:
        self.note("pause")

    def resume_writing(self) -> None:
        self.note("resume")


class Recorder(Record, asyncio.Protocol):
    """A `Protocol` that keeps a record. Data adds to `received`, and "data" to the record."""

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.note("data")

    async def receives(self, size: int) -> bytes:
        """Waits for that much data in all, and returns what has come."""
        await self.until(lambda: len(self.received) >= size)
        return bytes(self.received)


class HalfOpen(Recorder):
    """Keeps its side open when the peer's has ended."""

    def eof_received(self) -> bool:
        self.note("eof")
        return True


class BufferedRecorder(Record, asyncio.BufferedProtocol):
    """A `BufferedProtocol` that keeps a record."""

    size = 64

    def get_buffer(self, sizehint: int) -> Any:
        self.buffer = bytearray(self.size)
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.buffer[:nbytes]
        self.note("data")

    receives = Recorder.receives


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Returns two connected TCP sockets; a blocking call on them fails after `PATIENCE`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
    for sock in (one, other):
        sock.settimeout(PATIENCE)
    return one, other


def pair_at(number: int) -> tuple[socket.socket, socket.socket]:
    """Returns what `tcp_pair` does, the first of them with a number that must be free."""
    one, other = tcp_pair()
    if other.fileno() == number:
        return other, one
    if one.fileno() != number:
        assert str(number) not in open_files()
        os.dup2(one.fileno(), number, inheritable=False)
        one.close()
        one = socket.socket(fileno=number)
        one.settimeout(PATIENCE)
    return one, other


def await_readable(sock: Any) -> None:
    """Waits in the kernel until a socket has something to read, or has ended."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    assert poll.poll(PATIENCE * 1000), "nothing came"


def receive_all(sock: socket.socket) -> bytes:
    """Reads until the peer ends its side."""
    data = bytearray()
    while part := sock.recv(65536):
        data += part
    return bytes(data)


def reset(sock: socket.socket) -> None:
    """Closes a socket so that its peer is told of a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def make_small(*socks: socket.socket) -> None:
    """Gives sockets buffers that 200 KB fill for sure, and that still move data swiftly."""
    for sock in socks:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)


def open_files() -> dict[str, str]:
    """Returns the fds of this process and what each is."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError as exc:
            assert exc.errno == errno.ENOENT  # noqa: PT017 - the listing's own fd
    return found


@contextlib.contextmanager
def no_fd_left() -> Iterator[Callable[[], None]]:
    """Uses up all fds of the process; yields a function that frees one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in open_files())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 10, hard))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield lambda: os.close(taken.pop())
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def step(loop: Any) -> None:
    """Runs one iteration of any loop, without sleeping in its poll."""
    if hasattr(loop, "step"):
        loop.step()
    else:
        loop.call_soon(loop.stop)
        loop.run_forever()


async def next_iteration(loop: Any) -> None:
    """Lets the loop send what was written, look at its sockets, and run what it finds there."""
    for _ in range(3):
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future


async def until_true(loop: Any, holds: Callable[[], Any]) -> None:
    """Lets the loop run until a condition holds that nobody is told of."""
    while not holds():
        await next_iteration(loop)
