"""The receiver: reads the data in small pieces against a clock, and times the transfer.

It is the judge of a run: the time is from the first byte to the last, so what a way
needs to start isn't counted. It looks for a piece at each tick of its clock and doesn't wait
for data in between, or it would fall upon whatever comes after a pause and drain it in a
burst. Invariant: it never reads faster than its rate, beyond a credit of 0.3 ms that makes
up for late wake-ups of its own; a tick that found nothing is lost.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

PIECE_BYTES = 4096
CREDIT_NS = 300_000
WORTH_SLEEPING_NS = 20_000
PROGRESS_NS = 200_000_000
FIRST_BYTE_SECONDS = 10.0


@dataclass(frozen=True)
class Received:
    """What the receiver saw.

    Attributes:
        seconds: from the first byte to the last, in s.
        received: how many bytes came.
        capped: whether the deadline came before the last byte.
    """

    seconds: float
    received: int
    capped: bool


def connect_receiver(
    address: tuple[str, int], receive_buffer: int, timeout: float
) -> socket.socket:
    """Return a connected socket (socket.socket) with a receive buffer of a fixed size.

    Args:
        address: host and port of the sender.
        receive_buffer: SO_RCVBUF in bytes; fixed, so that the kernel doesn't grow it until
            it hides what the sender does.
        timeout: how long to wait for the connection, in s.

    Raises:
        OSError: if the connection fails.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Before the connect: the window that is offered depends on it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def receive(
    sock: socket.socket,
    total: int,
    rate: float,
    deadline: float,
    progress: Callable[[int], None],
) -> Received:
    """Read until all has come, the sender closes, or the deadline passes.

    Args:
        sock: a connected socket.
        total: how many bytes to expect.
        rate: how fast to read, in bytes/s.
        deadline: when to give up, in s after the first byte.
        progress: is called with the bytes so far, a few times a second.

    Returns:
        what came, and how long it took (Received).

    Raises:
        ConnectionError: if the sender closes early.
        TimeoutError: if not even the first byte comes.
    """
    buffer = bytearray(PIECE_BYTES)
    ns_per_byte = 1e9 / rate
    sock.settimeout(FIRST_BYTE_SECONDS)
    received = sock.recv_into(buffer)
    if not received:
        raise ConnectionError(f"the sender closed before the first of {total} bytes")
    sock.setblocking(False)
    begin = now = time.monotonic_ns()
    due = begin + round(received * ns_per_byte)
    end = begin + round(deadline * 1e9)
    next_progress = begin + PROGRESS_NS
    while received < total and now < end:
        if due - now > WORTH_SLEEPING_NS:
            time.sleep((due - now) / 1e9)
        size = _take(sock, buffer)
        now = time.monotonic_ns()
        if size is None:
            due = now + round(PIECE_BYTES * ns_per_byte)
        elif size == 0:
            raise ConnectionError(f"the sender closed after {received} of {total} bytes")
        else:
            received += size
            due = max(due, now - CREDIT_NS) + round(size * ns_per_byte)
        if now >= next_progress:
            progress(received)
            next_progress = now + PROGRESS_NS
    return Received((now - begin) / 1e9, received, received < total)


def _take(sock: socket.socket, buffer: bytearray) -> int | None:
    """Return the size of a piece (int, bytes), 0 at the end, None if nothing is there."""
    try:
        return sock.recv_into(buffer)
    except BlockingIOError:
        return None
