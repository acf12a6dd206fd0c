"""eventlet on its own hub: one green thread sends, one echoes, one is busy.

The busy green thread does a chunk and lets the others run with `sleep(0)`, after which the hub has
looked at the sockets. Invariant: nothing is patched, for the other ways run in processes like this
one; the sockets are wrapped instead.
"""

import contextlib
import importlib
import importlib.util
import socket
from typing import Any

from mainspring.cli.demo.registry import register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096


def _unavailable() -> str | None:
    # Not imported to find out: eventlet prepares for patching as soon as it is.
    return None if importlib.util.find_spec("eventlet") else "eventlet isn't installed"


def _echo(connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while message := connection.recv(READ_BYTES):
            connection.sendall(message)


def _be_busy(busy: BusyWork, eventlet: Any) -> None:
    while True:
        busy.chunk()
        eventlet.sleep(0)


@register(
    "eventlet",
    model="green threads, busy work with sleep(0)",
    order=35,
    unavailable=_unavailable,
)
def run(work: Work) -> None:
    """Send `work` with green threads; return when it is sent or the receiver left."""
    eventlet: Any = importlib.import_module("eventlet")
    green: Any = importlib.import_module("eventlet.greenio")
    data = green.GreenSocket(work.data)
    beside = [eventlet.spawn(_echo, green.GreenSocket(work.echo))]
    if work.busy is not None:
        beside.append(eventlet.spawn(_be_busy, work.busy, eventlet))
    with contextlib.suppress(ConnectionError):
        while message := work.next_message():
            data.sendall(message)
    for green_thread in beside:
        green_thread.kill()
