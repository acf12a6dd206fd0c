"""What the tests of pipes share: pipes as file objects, of which one end is for a transport."""

import contextlib
import io
import os
import pty
import select
import socket
import tty
from typing import Any

from .support import PATIENCE, Recorder, step

MUCH = bytes(1_000_000)


class ReadRecorder(Recorder):
    """A `Recorder` that keeps what `eof_received` saw."""

    def eof_received(self) -> Any:
        self.note(("eof", self.transport.is_closing()))
        # Half-open is for sockets.
        return True


class Pipes:
    """Pipe transports on a loop; all are closed in the end."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.files: list[Any] = []
        self.transports: list[Any] = []

    def keep(self, file: Any) -> Any:
        self.files.append(file)
        return file

    def open(self, fd: int, mode: str) -> io.FileIO:
        file: io.FileIO = self.keep(os.fdopen(fd, mode, 0))
        return file

    def pair(self) -> tuple[io.FileIO, io.FileIO]:
        """Returns the reading and the writing end of a pipe."""
        reading, writing = os.pipe()
        return self.open(reading, "rb"), self.open(writing, "wb")

    def pty(self) -> tuple[io.FileIO, io.FileIO]:
        """Returns the master and the slave of a pseudo terminal that changes nothing."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        return self.open(master, "r+b"), self.open(slave, "r+b")

    def socket_files(self) -> tuple[io.FileIO, io.FileIO]:
        one, other = socket.socketpair()
        return self.open(one.detach(), "r+b"), self.open(other.detach(), "r+b")

    async def read(self, file: Any, protocol: Any = None, **options: Any) -> tuple[Any, Any]:
        made = ReadRecorder() if protocol is None else protocol
        transport, _ = await self.loop.connect_read_pipe(lambda: made, file, **options)
        self.transports.append(transport)
        return transport, made

    async def write(self, file: Any, protocol: Any = None, **options: Any) -> tuple[Any, Any]:
        made = Recorder() if protocol is None else protocol
        transport, _ = await self.loop.connect_write_pipe(lambda: made, file, **options)
        self.transports.append(transport)
        return transport, made

    async def drain(self, file: Any, size: int) -> bytes:
        """Reads that much, or to the end, in a thread."""
        os.set_blocking(file.fileno(), True)

        def read() -> bytes:
            data = bytearray()
            while len(data) < size and (part := os.read(file.fileno(), size - len(data))):
                data += part
            return bytes(data)

        return await self.loop.run_in_executor(None, read)

    def close(self) -> None:
        if not self.loop.is_closed():
            for transport in self.transports:
                if transport.get_protocol() is not None:
                    transport.close()
            for _ in range(10):
                step(self.loop)
        for file in self.files:
            with contextlib.suppress(OSError):
                file.close()


def await_ready(file: Any, event: int = select.POLLIN) -> None:
    """Waits in the kernel until a file has something to read, or whatever else is asked for."""
    poll = select.poll()
    poll.register(file, event)
    assert poll.poll(PATIENCE * 1000), "nothing came"
