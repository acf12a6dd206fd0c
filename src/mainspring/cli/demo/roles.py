"""The process a cell starts: `python -m mainspring.cli.demo.roles ROLE SPEC`.

Three roles run in three processes: the sender (with the way under test), the receiver
and the echo client. Each reads its settings as JSON from its command line, the ports
from its standard input where it needs them, and answers in lines of JSON on its standard
output. Invariant: every role ends by itself. The receiver has a deadline, the sender ends
when the receiver has gone, the client when the sender has; so nothing is left behind
even if the process that started them is killed.
"""

import json
import os
import signal
import socket
import sys
import time
from typing import Any

from mainspring.cli.demo.client import measure_echo
from mainspring.cli.demo.receiver import connect_receiver, receive

HOST = "127.0.0.1"
CONNECT_SECONDS = 10.0


def pin(core: int | None) -> None:
    """Keep this process on one core.

    Args:
        core: the core's number, or None to leave the choice to the system.
    """
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _listen() -> socket.socket:
    listener = socket.create_server((HOST, 0), backlog=1)
    listener.settimeout(CONNECT_SECONDS)
    return listener


def _accept(listener: socket.socket) -> socket.socket:
    with listener:
        connection, _ = listener.accept()
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def run_sender(spec: dict[str, Any]) -> None:
    """Accept the data and the echo connection, run the way, tell what the busy work did.

    Args:
        spec: `way` (name), `total` (bytes), `send_buffer` (bytes), `chunk_count` (or None).
    """
    # Only the sender needs these, and three processes start for every run.
    from mainspring.cli.demo.registry import select_ways
    from mainspring.cli.demo.work import Work

    (way,) = select_ways([spec["way"]])
    data_listener, echo_listener = _listen(), _listen()
    _say({"data": data_listener.getsockname()[1], "echo": echo_listener.getsockname()[1]})
    data, echo = _accept(data_listener), _accept(echo_listener)
    data.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, spec["send_buffer"])
    with Work(data, echo, spec["total"], spec["chunk_count"]) as work:
        begin = time.process_time()
        way.run(work)
        used = time.process_time() - begin
        busy = work.busy
        _say(
            {
                "chunks": busy.chunks if busy else 0,
                "chunks_begun_writable": busy.chunks_begun_writable if busy else 0,
                "cpu_seconds": busy.cpu_seconds if busy else 0.0,
                "sender_cpu": used,
            }
        )


def run_receiver(spec: dict[str, Any]) -> None:
    """Connect, read at the pace that is set, tell how far it came and how long it took.

    Args:
        spec: `total` (bytes), `rate` (bytes/s), `deadline` (s), `receive_buffer` (bytes).
    """
    port = json.loads(sys.stdin.readline())["data"]
    with connect_receiver((HOST, port), spec["receive_buffer"], CONNECT_SECONDS) as sock:
        result = receive(
            sock,
            spec["total"],
            spec["rate"],
            spec["deadline"],
            lambda received: _say({"progress": received}),
        )
    _say({"seconds": result.seconds, "received": result.received, "capped": result.capped})


def run_client(spec: dict[str, Any]) -> None:
    """Connect, measure echoes until the sender closes, tell the latencies in ms.

    Args:
        spec: nothing is read from it.
    """
    port = json.loads(sys.stdin.readline())["echo"]
    with socket.create_connection((HOST, port), timeout=CONNECT_SECONDS) as sock:
        _say({"latencies": measure_echo(sock)})


ROLES = {"sender": run_sender, "receiver": run_receiver, "client": run_client}


def main(argv: list[str]) -> int:
    """Play one role.

    Args:
        argv: the role's name and its settings as JSON.

    Returns:
        0.
    """
    # Ctrl-C goes to the whole group; the process that started us ends us in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    role, settings = argv
    spec = json.loads(settings)
    pin(spec["core"])
    ROLES[role](spec)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
