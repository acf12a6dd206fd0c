"""`Proxy`: a TCP relay in front of a broker, which can listen in, hold back and cut.

It runs in a thread of its own on asyncio's loop, so it works whatever the loop under test does.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

CHUNK = 1 << 16


@dataclass
class Recording:
    """What went through one connection, in both directions, in the order it was seen."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list)

    def sent(self) -> bytes:
        """What the client has sent."""
        return b"".join(data for sender, data in self.pieces if sender == "client")

    def received(self) -> bytes:
        """What the broker has sent."""
        return b"".join(data for sender, data in self.pieces if sender == "broker")


class Proxy:
    """Relays connections from a port of its own to a port of this machine.

    Args:
        target: the port to relay to.
        record: whether to keep what goes through.
        listener: a socket that listens already; None for a new one.
    """

    def __init__(
        self, target: int, record: bool = False, listener: socket.socket | None = None
    ) -> None:
        self.target = target
        self.record = record
        self._listener = listener
        self.recordings: list[Recording] = []
        self.port = 0
        self.accepted = 0
        self._loop = asyncio.SelectorEventLoop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    @classmethod
    @contextmanager
    def running(
        cls, target: int, record: bool = False, listener: socket.socket | None = None
    ) -> Iterator["Proxy"]:
        """Starts one, which is gone when the block has ended."""
        proxy = cls(target, record, listener)
        proxy._thread.start()
        try:
            proxy._do(proxy._listen())
            yield proxy
        finally:
            proxy._do(proxy._end())
            proxy._loop.call_soon_threadsafe(proxy._loop.stop)
            proxy._thread.join()
            proxy._loop.close()

    def hold(self) -> None:
        """Lets nothing through any more, as a network that drops packets: nobody is told."""
        self._call(self._flowing.clear)

    def release(self) -> None:
        """Lets everything through again, what was held back first."""
        self._call(self._flowing.set)

    def cut(self) -> None:
        """Resets all connections. New ones are welcome."""
        self._call(self._abort)

    def refuse(self, refusing: bool = True) -> None:
        """Resets all connections and, until it is called with False, each new one too."""

        def refuse() -> None:
            self._refusing = refusing
            if refusing:
                self._abort()

        self._call(refuse)

    def _call(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            function()

        self._do(call())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self) -> None:
        listener = self._listener or socket.create_server(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._relay, sock=listener)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._flowing.set()
        self._abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        recording = Recording()
        self._writers.add(writer)
        try:
            if self._refusing:
                writer.transport.abort()
                return
            try:
                there = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:
                writer.transport.abort()
                return
            if self.record:
                self.recordings.append(recording)
            self._writers.add(there[1])
            try:
                await asyncio.gather(
                    self._copy("client", reader, there[1], recording),
                    self._copy("broker", there[0], writer, recording),
                )
            finally:
                there[1].transport.abort()
                self._writers.discard(there[1])
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _copy(
        self,
        sender: str,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        recording: Recording,
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                await self._flowing.wait()
                if self.record:
                    recording.pieces.append((sender, data))
                sink.write(data)
                await sink.drain()
            sink.write_eof()
        except OSError:
            sink.transport.abort()
