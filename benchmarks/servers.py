"""Starts the servers and the load that `echo`, `syscalls`, `memory` and `soak` share.

The invariant: a window of measurement begins and ends with a quiet server. The client drains
before it reports, and the server's CPU time is read while nothing is in flight.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.build import certificate, program
from benchmarks.loops import LoopName
from benchmarks.proc import Cores, cpu_seconds
from benchmarks.processes import BenchmarkError, LineProcess

C_SERVER = LoopName("C", "")
START_SECONDS = 20.0
# Seconds of load that aren't counted.
WARM_UP = 0.25


@dataclass(frozen=True)
class Window:
    """What one measured window gave."""

    requests: int
    elapsed: float
    cpu_us: float
    p50_us: float
    p99_us: float
    p999_us: float

    def figures(self) -> dict[str, float]:
        """Returns the figures as the tables name them."""
        return {
            "cpu_us": self.cpu_us,
            "requests_per_s": self.requests / self.elapsed,
            "p50_us": self.p50_us,
            "p99_us": self.p99_us,
            "p999_us": self.p999_us,
        }


def python_server(loop: LoopName, api: str) -> list[str]:
    """Returns the command of the Python server.

    Args:
        loop: the loop it runs on.
        api: how it serves.
    """
    module = "benchmarks.echo_server"
    return [sys.executable, "-m", module, "--loop", loop.spec, "--api", api]


def start_server(
    loop: LoopName,
    api: str,
    cores: Cores,
    extra: Mapping[str, str] | None = None,
    *,
    tls: bool = False,
) -> tuple[LineProcess, int]:
    """Starts an echo server.

    Args:
        loop: the loop it runs on, or `C_SERVER`.
        api: how it serves; the C server has only one way.
        cores: where it runs.
        extra: environment variables to add.
        tls: True to serve with TLS; not in C.

    Returns:
        The process and its port.

    Raises:
        BenchmarkError: it didn't start.
    """
    if loop == C_SERVER:
        command = [program("echo_server")]
    else:
        command = python_server(loop, api)
        if tls:
            command += ["--tls", certificate()]
    process = LineProcess(command, cores.server, f"the {loop.label} server", extra)
    try:
        return process, int(process.read(START_SECONDS)["port"])
    except BenchmarkError:
        process.close()
        raise


class Load:
    """A load client that is connected to a server."""

    def __init__(
        self,
        server: LineProcess,
        port: int,
        connections: int,
        size: int,
        cores: Cores,
        *,
        tls: bool = False,
        burst: int = 0,
    ) -> None:
        """Starts the client and connects it.

        Args:
            server: the process whose CPU time is read.
            port: where it listens.
            connections: how many, each with one request in flight.
            size: bytes of a request.
            cores: where the client runs.
            tls: True to talk TLS.
            burst: how many datagrams each sends before it waits for their echoes, which count
                as one request each; 0 to talk over a stream.
        """
        self._server = server
        self._echoes = max(1, burst)
        name = "udp_load_client" if burst else "tls_load_client" if tls else "load_client"
        command = [program(name), str(port), str(connections), str(size), "reset"]
        command.append(str(self._echoes))
        self._client = LineProcess(command, cores.client, "the load client")
        try:
            self._client.read(START_SECONDS)
        except BenchmarkError:
            self._client.close()
            raise

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    @property
    def pid(self) -> int:
        """The client's process."""
        return self._client.pid

    def phase(self, seconds: float = 0.0, count: int = 0, rate: int = 0) -> dict[str, float]:
        """Makes requests for a while; at the end none is in flight.

        Args:
            seconds: how long; 0 for no bound in time.
            count: how many requests, or bursts; 0 for no bound in number.
            rate: how many begin in a second, by the clock, and latencies count from when each
                was due; with 0 a connection's next begins when its last is answered.

        Returns:
            The client's own figures: `requests`, `elapsed` in seconds, and latencies in `p50_us`,
            `p99_us`, `p999_us` and `max_us`.
        """
        return self._client.ask(f"{round(seconds * 1000)} {count} {rate}", seconds + 60.0)

    def run(self, seconds: float = 0.0, count: int = 0) -> Window:
        """Runs one window of load.

        Args:
            seconds: how long; 0 for no bound in time.
            count: how many requests, or bursts; 0 for no bound in number.

        Returns:
            The figures of exactly these requests.
        """
        settle(self._server.pid)
        before = cpu_seconds(self._server.pid)
        figures = self.phase(seconds, count)
        settle(self._server.pid)
        used = cpu_seconds(self._server.pid) - before
        requests = int(figures["requests"]) * self._echoes
        return Window(
            requests,
            float(figures["elapsed"]),
            used / requests * 1e6,
            float(figures["p50_us"]),
            float(figures["p99_us"]),
            float(figures["p999_us"]),
        )


def settle(pid: int, patience: float = 1.0) -> None:
    """Waits until a process uses no CPU, so that its account is complete.

    Args:
        pid: the process.
        patience: seconds after which a busy process is taken as it is.
    """
    deadline = time.monotonic() + patience
    last = -1.0
    while (now := cpu_seconds(pid)) != last and time.monotonic() < deadline:
        last = now
        time.sleep(0.01)


def wait_for_connections(server: LineProcess, wanted: int, patience: float = 30.0) -> None:
    """Waits until a server counts a number of open connections.

    Args:
        server: the server.
        wanted: the number.
        patience: seconds.

    Raises:
        BenchmarkError: it has another number even then.
    """
    deadline = time.monotonic() + patience
    while (count := int(server.ask("connections")["connections"])) != wanted:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{server.name} has {count} connections open, not {wanted}.")
        time.sleep(0.05)
