"""Mainspring with coroutines: one task sends, one echoes, one is busy at IDLE.

The busy task is an ordinary loop with a `sleep(0)`; its priority alone makes it give way.
Invariant: the sending task is the one that ends the others.
"""

import asyncio
import contextlib
import socket

from mainspring.cli.demo import priority_loop
from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096


async def send(work: Work) -> None:
    """Send every message, one after the other."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := work.next_message():
            await loop.sock_sendall(work.data, message)


async def echo(connection: socket.socket) -> None:
    """Send back what comes, until the client leaves."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while message := await loop.sock_recv(connection, READ_BYTES):
            await loop.sock_sendall(connection, message)


async def be_busy(busy: BusyWork) -> None:
    """Run chunks until cancelled."""
    while True:
        busy.chunk()
        await asyncio.sleep(0)


async def transfer(work: Work) -> None:
    """Send, echo and be busy until the transfer is over."""
    tasks = [asyncio.create_task(echo(work.echo))]
    if work.busy is not None:
        loop = priority_loop.running_loop()
        tasks.append(loop.create_task(be_busy(work.busy), priority=priority_loop.idle_priority()))
    await send(work)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@register(
    "mainspring-coroutine",
    model="tasks, the busy one at IDLE",
    order=70,
    unavailable=priority_loop.unavailable,
)
def run(work: Work) -> None:
    """Send `work` with coroutines; return when it is sent or the receiver left."""
    asyncio.run(transfer(work), loop_factory=priority_loop.new_event_loop)
