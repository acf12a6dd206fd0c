"""Blocking threads: one sends, one echoes, one is busy.

The sending thread blocks in `sendall`, a message at a time, and the interpreter shares
the GIL out. The busy thread looks at the socket before each chunk and steps back while
there is room, which is all it can do: once it is in a chunk, the sender that wakes up
waits a whole switch interval (5 ms, left at its default, for it belongs to the program
as a whole) before it may even ask for the GIL. Invariant: the busy thread has ended when
`run` returns.
"""

import contextlib
import socket
import threading
import time

from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096
STEP_BACK_SECONDS = 0.0002


def _echo(connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while message := connection.recv(READ_BYTES):
            connection.sendall(message)


def _be_busy(busy: BusyWork, over: threading.Event) -> None:
    while not over.is_set():
        if busy.writable():
            time.sleep(STEP_BACK_SECONDS)
        else:
            busy.chunk()


@register("thread", model="blocking calls in threads", order=10)
def run(work: Work) -> None:
    """Send `work` from this thread; return when it is sent or the receiver left."""
    over = threading.Event()
    work.data.setblocking(True)
    work.echo.setblocking(True)
    threads = [threading.Thread(target=_echo, args=(work.echo,))]
    if work.busy is not None:
        threads.append(threading.Thread(target=_be_busy, args=(work.busy, over)))
    for thread in threads:
        thread.start()
    try:
        with contextlib.suppress(ConnectionError):
            while message := work.next_message():
                work.data.sendall(message)
    finally:
        over.set()
        # Wakes the echo thread out of its blocking read.
        with contextlib.suppress(OSError):
            work.echo.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
