"""What a way is given: two connected sockets, the data to send, the busy work to do.

The busy work is a pure-Python loop cut into chunks of about 5 ms. Before each chunk a
probe of its own looks at the sending socket, so that every way is judged by the same
rule, whatever its loop believes. Invariant: a chunk that is counted has run to its end.
"""

import os
import select
import socket
import statistics
import time
from typing import Self

MESSAGE_BYTES = 64 * 1024
"""What a way offers to the socket or the transport at a time, the same for all: how much the
kernel takes into a small buffer depends on how much it is offered."""

CHUNK_SECONDS = 0.005


def spin(count: int) -> int:
    """Count to `count` in pure Python, which is the busy work, and return it."""
    i = 0
    while i < count:
        i += 1
    return i


def calibrate(seconds: float = CHUNK_SECONDS) -> int:
    """Return how far (int) `spin` must count to take about `seconds` (float, in s) here.

    The median of many short rounds, in CPU time, spread over half a second: the fastest
    would be a lucky moment of the processor that the runs don't see.
    """
    count = 20_000
    rounds: list[float] = []
    end = time.perf_counter() + 0.5
    while not rounds or time.perf_counter() < end:
        begin = time.thread_time()
        spin(count)
        rounds.append(time.thread_time() - begin)
    return max(1, round(count * seconds / statistics.median(rounds)))


class BusyWork:
    """The work that should run only while the sending socket isn't writable.

    A chunk may run in any thread; chunks of one BusyWork never run at the same time.

    Args:
        data: the sending socket, for the probe.
        count: how far one chunk counts; see `calibrate`.
    """

    def __init__(self, data: socket.socket, count: int) -> None:
        self.chunks = 0
        self.chunks_begun_writable = 0
        self.cpu_seconds = 0.0
        self._count = count
        # A descriptor of our own: a transport that closes the socket can't pull it from under us.
        self._fd = os.dup(data.fileno())
        self._probe = select.poll()
        self._probe.register(self._fd, select.POLLOUT)

    def writable(self) -> bool:
        """Return whether the sending socket takes data at this moment."""
        return any(
            mask & select.POLLOUT and not mask & (select.POLLERR | select.POLLHUP)
            for _, mask in self._probe.poll(0)
        )

    def chunk(self) -> None:
        """Run one chunk, and note whether the socket was writable as it began."""
        begun_writable = self.writable()
        begin = time.thread_time()
        spin(self._count)
        self.cpu_seconds += time.thread_time() - begin
        self.chunks_begun_writable += begun_writable
        self.chunks += 1

    def close(self) -> None:
        """Release the probe's descriptor; no chunk may run after that."""
        os.close(self._fd)


class Work:
    """What one run of a way has to do.

    Attributes:
        data: the connected socket to send on, non-blocking, its send buffer set.
        echo: the connected socket whose bytes go back as they come, non-blocking.
        busy: the busy work to fit in, or None in a quiet run.

    Args:
        data: see above.
        echo: see above.
        total: how many bytes to send.
        chunk_count: how far a chunk counts, or None for a quiet run.
    """

    def __init__(
        self, data: socket.socket, echo: socket.socket, total: int, chunk_count: int | None
    ) -> None:
        self.data = data
        self.echo = echo
        self.busy = None if chunk_count is None else BusyWork(data, chunk_count)
        self._left = total
        self._message = memoryview(bytes(MESSAGE_BYTES))

    def unsent(self) -> memoryview:
        """Return the next bytes to offer to the socket, at most a message, empty at the end."""
        return self._message[: min(self._left, MESSAGE_BYTES)]

    def mark_sent(self, size: int) -> None:
        """Note that the first `size` bytes (int) of `unsent` have been sent."""
        self._left -= size

    def next_message(self) -> bytes:
        """Return the next message (bytes) as sent; empty when all have been given out."""
        message = bytes(self.unsent())
        self.mark_sent(len(message))
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.busy is not None:
            self.busy.close()
        self.data.close()
        self.echo.close()
