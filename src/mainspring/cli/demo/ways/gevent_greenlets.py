"""gevent on its own loop: greenlets send and echo, another one does the busy work.

gevent resumes whoever waits in `sleep(0)` fifty times before it reads the clock, let alone polls,
so the busy greenlet waits with `idle()`, which returns when nothing else is ready: the best we
found within gevent's own means. Invariant: the other greenlets have ended when `run` returns.
"""

import contextlib
from importlib import import_module
from typing import Any

from mainspring.cli.demo.registry import needs, register
from mainspring.cli.demo.work import BusyWork, Work

READ_BYTES = 4096


def _echo(connection: Any) -> None:
    with contextlib.suppress(ConnectionError):
        while message := connection.recv(READ_BYTES):
            connection.sendall(message)


def _be_busy(gevent: Any, busy: BusyWork) -> None:
    while True:
        gevent.idle()
        busy.chunk()


@register(
    "gevent", model="greenlets, busy work in one", order=26, unavailable=needs("gevent", "idle")
)
def run(work: Work) -> None:
    """Send `work` from the main greenlet; return when it is sent or the receiver left."""
    gevent = import_module("gevent")
    new_socket = import_module("gevent.socket").socket
    with (
        new_socket(fileno=work.data.detach()) as data,
        new_socket(fileno=work.echo.detach()) as echo,
    ):
        greenlets = [gevent.spawn(_echo, echo)]
        if work.busy is not None:
            greenlets.append(gevent.spawn(_be_busy, gevent, work.busy))
        try:
            with contextlib.suppress(ConnectionError):
                while message := work.next_message():
                    data.sendall(message)
        finally:
            gevent.killall(greenlets)
