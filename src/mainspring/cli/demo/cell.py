"""One run of one way: three processes are started, watched and collected.

Invariant: when `run_once` returns or raises, by an error or by Ctrl-C, none of the
processes it started is left.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mainspring
from mainspring.cli.demo.client import percentile
from mainspring.cli.demo.interrupts import deferred_interrupts

RATE = 20e6
"""How fast the receiver reads, in bytes/s."""
RECEIVE_BUFFER = 16 * 1024
"""SO_RCVBUF of the receiver: about as little as TCP on loopback can go at this rate."""
START_SECONDS = 20.0
END_SECONDS = 20.0


class CellError(Exception):
    """A run couldn't be finished; the message says in one sentence why."""


@dataclass(frozen=True)
class Cores:
    """Where the processes run; None leaves the choice to the system.

    Attributes:
        sender: the core of the sender.
        others: the core of the receiver and the echo client.
    """

    sender: int | None
    others: int | None

    @classmethod
    def available(cls) -> "Cores":
        """Return two different cores if this process may use two, else no choice."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(None, None)
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[-1], cores[0]) if len(cores) > 1 else cls(None, None)


@dataclass(frozen=True)
class Measurement:
    """What one run gave.

    Attributes:
        seconds: from the first byte to the last, or to the cap, in s.
        received: bytes that came.
        total: bytes that should have come.
        capped: whether the run was ended before the last byte.
        echoes: how many echoes were measured.
        echo_p50_ms: their median, in ms.
        echo_p99_ms: their 99th percentile, in ms.
        chunks: busy chunks that were done.
        chunks_begun_writable: those among them that began while the socket was writable.
        chunk_ms: the CPU time that a chunk took on average, in ms; 0 without chunks.
        sender_cpu: the CPU time that the sender used from beginning to end, in s.
    """

    seconds: float
    received: int
    total: int
    capped: bool
    echoes: int
    echo_p50_ms: float
    echo_p99_ms: float
    chunks: int
    chunks_begun_writable: int
    chunk_ms: float
    sender_cpu: float


class _Role:
    """A child process that answers in lines of JSON."""

    def __init__(self, role: str, spec: dict[str, Any]) -> None:
        self.name = role
        environment = dict(os.environ)
        source = str(Path(mainspring.__file__).parent.parent)
        inherited = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = source + (os.pathsep + inherited if inherited else "")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mainspring.cli.demo.roles", role, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._buffer = b""
        assert self._process.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def tell(self, message: dict[str, Any]) -> None:
        """Give the child one line; one that has died already says so when it is read."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def read(self, timeout: float) -> dict[str, Any]:
        """Return the next line as a dict; raise CellError if none comes in `timeout` s."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise CellError(f"the {self.name} gave no answer within {timeout:.0f} s")
            read = os.read(self._process.stdout.fileno(), 65536)
            if not read:
                raise CellError(f"the {self.name} failed: {self._last_words()}")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.wait()}"

    def end(self) -> None:
        """End the process if it still runs, and release its pipes."""
        self._selector.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _end_all(roles: dict[str, _Role]) -> None:
    with deferred_interrupts():
        for role in roles.values():
            role.end()


def run_once(
    way: str,
    *,
    total: int,
    send_buffer: int,
    chunk_count: int | None,
    deadline: float,
    cores: Cores,
    progress: Callable[[float], None] = lambda _: None,
) -> Measurement:
    """Run one way once.

    Args:
        way: the way's name.
        total: how many bytes to send.
        send_buffer: SO_SNDBUF of the sending socket, in bytes.
        chunk_count: how far a busy chunk counts, or None for a run without busy work.
        deadline: when the run is ended, in s after the first byte.
        cores: where the processes run.
        progress: is called with the share of the data that came, from 0 to 1.

    Returns:
        the figures of the run (Measurement).

    Raises:
        CellError: if one of the processes fails or doesn't answer.
    """
    specs: dict[str, dict[str, Any]] = {
        "sender": {
            "core": cores.sender,
            "way": way,
            "total": total,
            "send_buffer": send_buffer,
            "chunk_count": chunk_count,
        },
        "receiver": {
            "core": cores.others,
            "total": total,
            "rate": RATE,
            "deadline": deadline,
            "receive_buffer": RECEIVE_BUFFER,
        },
        "client": {"core": cores.others},
    }
    with contextlib.ExitStack() as stack:
        roles: dict[str, _Role] = {}
        stack.callback(_end_all, roles)
        with deferred_interrupts():
            for name, spec in specs.items():
                roles[name] = _Role(name, spec)
        ports = roles["sender"].read(START_SECONDS)
        roles["receiver"].tell(ports)
        roles["client"].tell(ports)
        received = roles["receiver"].read(START_SECONDS)
        while "progress" in received:
            progress(received["progress"] / total)
            received = roles["receiver"].read(START_SECONDS)
        sent = roles["sender"].read(END_SECONDS)
        latencies = roles["client"].read(END_SECONDS)["latencies"]
    return Measurement(
        seconds=received["seconds"],
        received=received["received"],
        total=total,
        capped=received["capped"],
        echoes=len(latencies),
        echo_p50_ms=percentile(latencies, 0.5),
        echo_p99_ms=percentile(latencies, 0.99),
        chunks=sent["chunks"],
        chunks_begun_writable=sent["chunks_begun_writable"],
        chunk_ms=sent["cpu_seconds"] * 1000 / max(1, sent["chunks"]),
        sender_cpu=sent["sender_cpu"],
    )
