"""`Cut`: a network namespace whose network can be cut, with nothing but its loopback in it.

Sockets belong to the namespace of the thread that makes them. So a listener is made in there, and
relays to this machine's own loopback; who runs in there reaches nothing but it. With the loopback
down, packets are lost and nobody is told: neither end sees its connection end.
"""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.services.proxy import Proxy
from tests.threads import from_a_thread

SECONDS = 30


class Cut:
    """A namespace, and a relay into it.

    Args:
        namespace: the open file that stands for it.
        proxy: listens in it.
    """

    def __init__(self, namespace: int, proxy: Proxy) -> None:
        self._namespace = namespace
        self.port = proxy.port

    def enter(self) -> None:
        """Has this thread, or the process that is about to begin, live in it."""
        os.setns(self._namespace, os.CLONE_NEWNET)

    def cut(self) -> None:
        """Takes the network away."""
        inside(self._namespace, lambda: loopback("down"))

    def mend(self) -> None:
        """Gives it back."""
        inside(self._namespace, lambda: loopback("up"))


def loopback(state: str) -> None:
    """Takes the loopback of this thread's namespace up or down."""
    subprocess.run(["ip", "link", "set", "lo", state], check=True, timeout=SECONDS)


def inside(namespace: int | None, function: Callable[[], Any]) -> Any:
    """Calls a function in a thread that lives in a namespace, in a new one for None."""

    def move_and_call() -> Any:
        if namespace is None:
            os.unshare(os.CLONE_NEWNET)
        else:
            os.setns(namespace, os.CLONE_NEWNET)
        return function()

    return from_a_thread(move_and_call)


def listener() -> socket.socket:
    """Returns a socket that listens on the loopback of this thread's namespace."""
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def new() -> int:
    """Makes a namespace whose loopback is up, and returns a file that keeps it."""

    def make() -> int:
        loopback("up")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return int(inside(None, make))


def why_not() -> str | None:
    """Returns why no namespace can be made here, or None if one can."""
    try:
        os.close(new())
    except (OSError, subprocess.SubprocessError) as exc:
        return f"no network namespace can be made here: {exc}"
    return None


@contextmanager
def cuttable(port: int) -> Iterator[Cut]:
    """Makes a namespace with a relay to a port of this machine in it."""
    namespace = new()
    try:
        with inside(namespace, listener) as sock, Proxy.running(port, listener=sock) as proxy:
            yield Cut(namespace, proxy)
    finally:
        os.close(namespace)
