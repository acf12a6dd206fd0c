"""Mainspring with generators: one sends, one echoes, one is busy at IDLE.

A generator yields what it waits for, and a bare `yield` lets the others run. Invariant: the one
that sends is the one that ends the others.
"""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from importlib import import_module
from typing import Any

from mainspring.cli.demo import priority_loop
from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096


def _send(work: Work) -> Generator[Any, Any, None]:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := work.next_message():
            yield loop.sock_sendall(work.data, message)


def _echo(connection: socket.socket) -> Generator[Any, Any, None]:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := (yield loop.sock_recv(connection, READ_BYTES)):
            yield loop.sock_sendall(connection, message)


def _be_busy(busy: BusyWork) -> Generator[None, None, None]:
    while True:
        busy.chunk()
        yield


async def transfer(spawn: Any, work: Work) -> None:
    """Send, echo and be busy until the transfer is over."""
    tasks = [spawn(_echo(work.echo))]
    if work.busy is not None:
        tasks.append(spawn(_be_busy(work.busy), priority=priority_loop.idle_priority()))
    await spawn(_send(work))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@register(
    "mainspring-generator",
    model="generators, the busy one at IDLE",
    order=74,
    unavailable=needs("mainspring.green", "spawn"),
)
def run(work: Work) -> None:
    """Send `work` with generators; return when it is sent or the receiver left."""
    spawn = import_module("mainspring.green").spawn
    asyncio.run(transfer(spawn, work), loop_factory=priority_loop.new_event_loop)
