"""The echo server in green threads, run as a child: a green thread for each connection.

The invariant: it is written as the users of each library write it, with that library's own `socket`
and `spawn`, and the three servers differ in nothing else. It ends when its stdin does, for which a
green thread waits with the library's own `select`.
"""

import argparse
import json
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchmarks.green_cases import LIBRARIES

BACKLOG = 4096
# glibc gives pieces up to this size back and forth without asking the system.
READ_LIMIT = 64 * 1024


@dataclass(frozen=True)
class GreenModules:
    """The modules that wait greenly."""

    socket: ModuleType
    select: ModuleType


def mainspring_modules() -> GreenModules:
    """Mainspring's."""
    from mainspring.green import select, socket

    return GreenModules(socket, select)


def gevent_modules() -> GreenModules:
    """Gevent's."""
    from gevent import select, socket

    return GreenModules(socket, select)


def eventlet_modules() -> GreenModules:
    """Eventlet's."""
    from eventlet.green import select, socket

    return GreenModules(socket, select)


MODULES: dict[str, Callable[[], GreenModules]] = {
    "mainspring": mainspring_modules,
    "gevent": gevent_modules,
    "eventlet": eventlet_modules,
}


def serve_one(connection: Any) -> None:
    """Writes back each piece of bytes."""
    try:
        with connection:
            while data := connection.recv(READ_LIMIT):
                connection.sendall(data)
    except ConnectionError:
        pass  # the client reset it, as it does at the end of a run


def main(argv: list[str] | None = None) -> None:
    """Serves until stdin ends."""
    parser = argparse.ArgumentParser(prog="benchmarks.green_echo_server")
    parser.add_argument("--library", choices=list(LIBRARIES), required=True)
    options = parser.parse_args(argv)
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    library = LIBRARIES[options.library]()
    modules = MODULES[options.library]()
    socket = modules.socket

    def accept(listening: Any) -> None:
        while True:
            connection, _ = listening.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            library.spawn(serve_one, connection)

    def serve() -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(BACKLOG)
        library.spawn(accept, listening)
        print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
        modules.select.select([0], [], [])
        os._exit(0)

    library.run(serve)


if __name__ == "__main__":
    main()
