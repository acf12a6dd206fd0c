"""Mainspring with green threads: one sends, one echoes, one is busy at IDLE.

Plain functions that wait as if they blocked. Invariant: the green thread that sends is the one that
ends the others.
"""

import asyncio
import contextlib
import socket
from functools import partial
from importlib import import_module
from typing import Any

from mainspring.cli.demo import priority_loop
from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096


def _send(green: Any, work: Work) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := work.next_message():
            green.await_(loop.sock_sendall(work.data, message))


def _echo(green: Any, connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := green.await_(loop.sock_recv(connection, READ_BYTES)):
            green.await_(loop.sock_sendall(connection, message))


def _be_busy(green: Any, busy: BusyWork) -> None:
    while True:
        busy.chunk()
        green.sleep(0)


def transfer(green: Any, work: Work) -> None:
    """Send, echo and be busy until the transfer is over; runs as a green thread."""
    threads = [green.spawn(_echo, green, work.echo)]
    if work.busy is not None:
        idle = priority_loop.idle_priority()
        threads.append(green.spawn(_be_busy, green, work.busy, priority=idle))
    _send(green, work)
    green.killall(threads)


@register(
    "mainspring-green-thread",
    model="green threads, the busy one at IDLE",
    order=72,
    unavailable=needs("mainspring.green", "spawn"),
)
def run(work: Work) -> None:
    """Send `work` with green threads; return when it is sent or the receiver left."""
    green = import_module("mainspring.green")
    green.run(partial(transfer, green, work))
