"""`soak`: a million connections opened, used and reset; what is left of them in the server.

The invariant: both measurements are taken with no connection open and after a collection, so
whatever grew between them was leaked (or fragmented) by the connections in between. The client
resets each connection, so that no port lingers and the count can exceed the number of ports.
"""

import argparse

from benchmarks.build import program
from benchmarks.figures import number, progress, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores, choose_cores, memory_bytes
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.servers import C_SERVER, settle, start_server, wait_for_connections
from benchmarks.svg import Chart

HELP = "a million connections: files, objects and memory of the server afterwards"
SLICE = 50_000
SLICE_SECONDS = 300.0
SIZE = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `soak`."""
    add_common(parser, rounds=1)
    parser.add_argument("--count", type=int, default=1_000_000, help="connections (1,000,000)")
    parser.add_argument("--first", type=int, default=10_000, help="before the baseline (10,000)")
    parser.add_argument("--api", choices=("protocol", "buffered", "streams"), default="protocol")


def inspect(server: LineProcess) -> dict[str, float]:
    """Returns the server's open files, objects and memory while it is idle.

    Raises:
        BenchmarkError: a connection is still open, or the server is gone.
    """
    wait_for_connections(server, 0)
    stats = server.ask("stats", 60.0)
    settle(server.pid)
    memory = memory_bytes(server.pid)["rss"]
    return {"fds": stats["fds"], "objects": stats["objects"], "rss": memory}


def soak(loop: LoopName, api: str, first: int, count: int, cores: Cores) -> dict[str, float]:
    """Wears one server out.

    Args:
        loop: the loop, or the C server.
        api: how it serves.
        first: connections before the baseline is taken.
        count: connections in all.
        cores: where server and client run.

    Returns:
        The figures at the baseline (`first_...`) and at the end (`last_...`), the growth of
        the memory in percent, and connections per second.

    Raises:
        BenchmarkError: a connection failed, or the server or the client did.
    """
    server, port = start_server(loop, api, cores)
    command = [program("crowd_client"), str(port), str(SIZE)]
    elapsed = 0.0
    with server, LineProcess(command, cores.client, "the crowd client") as crowd:
        crowd.ask(f"churn {first}", SLICE_SECONDS)
        before = inspect(server)
        for done in range(first, count, SLICE):
            progress(f"{loop.label}: {done:,} of {count:,} connections")
            part = crowd.ask(f"churn {min(SLICE, count - done)}", SLICE_SECONDS)
            elapsed += float(part["elapsed"])
        after = inspect(server)
    progress("")
    return {
        **{f"first_{key}": value for key, value in before.items()},
        **{f"last_{key}": value for key, value in after.items()},
        "growth_percent": (after["rss"] / before["rss"] - 1) * 100,
        "connections_per_s": (count - first) / elapsed,
    }


def measure(options: argparse.Namespace) -> Result:
    """Soaks each loop once."""
    if options.count <= options.first:
        raise BenchmarkError("`soak` needs a --count above --first.")
    loops, versions = select_loops(options)
    values: dict[str, dict[str, float] | str] = {}
    for loop in [C_SERVER, *loops]:
        try:
            values[loop.label] = soak(
                loop, options.api, options.first, options.count, choose_cores()
            )
        except BenchmarkError as error:
            values[loop.label] = str(error)
    return {
        "command": "soak",
        "api": options.api,
        "first": options.first,
        "count": options.count,
        "versions": versions,
        "values": values,
    }


def render(result: Result) -> str:
    """Returns the table, and a sentence for each loop that failed."""
    rows = []
    failures = []
    for label, found in result["values"].items():
        if isinstance(found, str):
            failures.append(f"{label}: {found}")
            continue
        mib = [found[f"{when}_rss"] / 2**20 for when in ("first", "last")]
        rows.append(
            [
                label,
                f"{found['first_fds']} -> {found['last_fds']}",
                f"{found['first_objects']:,} -> {found['last_objects']:,}",
                f"{mib[0]:.2f} -> {mib[1]:.2f}",
                f"{found['growth_percent']:+.2f} %",
                number(found["connections_per_s"]),
            ]
        )
    head = (
        f"soak, {result['api']}: {result['count']:,} connections opened, used for one echo and "
        f"reset by the client; the server after the first {result['first']:,} -> at the end."
    )
    headers = ["server", "open files", "objects", "RSS MiB", "growth", "connections/s"]
    return "\n\n".join([head, table(headers, rows), *failures])


def charts(result: Result) -> list[Chart]:
    """Returns none: the figures are to be equal, which a table shows better."""
    return []
