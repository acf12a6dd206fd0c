"""`memory`: bytes of the server's memory for each idle connection.

The invariant: the first connections don't count. They fill the allocator's pools and whatever
the loop makes once; the figure is the growth of the resident memory from then on, divided by
the connections that made it. Afterwards a sample of all of them has to be served an echo, so a
loop that merely left them in the backlog can't shine.

One process may have no more files than RLIMIT_NOFILE's hard limit allows: where that is too low
for the numbers asked for, both are scaled down and the result says so.
"""

import argparse
import resource
import sys
from functools import partial

from benchmarks.build import program
from benchmarks.figures import Series, interleave, number, present, spread, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores, choose_cores, memory_bytes
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.servers import C_SERVER, Load, settle, start_server, wait_for_connections
from benchmarks.svg import Bar, Chart

HELP = "bytes of memory per idle connection, measured over 40,000 after the first 10,000"
SPARE_FILES = 256
SAMPLE = 1000
OPEN_SECONDS = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `memory`."""
    add_common(parser, rounds=1)
    parser.add_argument("--tls", action="store_true", help="TLS connections; there is no C server")
    parser.add_argument(
        "--size", type=int, default=1024, help="with --tls: bytes of the echo on each (1024)"
    )
    parser.add_argument("--first", type=int, default=10_000, help="connections before (10,000)")
    parser.add_argument("--more", type=int, default=40_000, help="measured over (40,000)")


def within_limits(first: int, more: int) -> tuple[int, int, str]:
    """Fits the numbers into the limit on open files.

    Args:
        first: connections opened before the first measurement.
        more: connections opened between the two.

    Returns:
        Both, scaled down if need be, and a sentence about that, else empty.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = hard - SPARE_FILES
    if hard == resource.RLIM_INFINITY or first + more <= room:
        return first, more, ""
    # The pools need filling more than the average needs numbers: `first` shrinks last.
    kept = min(first, room // 2)
    return (
        kept,
        room - kept,
        f"A process may open {hard:,} files here: {kept:,} connections first and {room - kept:,} "
        f"more instead of {first:,} and {more:,}.",
    )


def one_round(
    loop: LoopName, *, first: int, more: int, cores: Cores, tls: bool, size: int
) -> dict[str, float]:
    """Measures one server.

    Args:
        loop: the loop, or the C server.
        first: connections before the first measurement.
        more: connections between the two.
        cores: where server and client run.
        tls: True for TLS connections.
        size: bytes of the echo on each of these, after which they are measured again.

    Returns:
        Bytes per connection (resident, and proportional), bytes at the end, and how many of
        the sample were served, in percent; with TLS also the bytes of a connection that is idle
        again after its echo.

    Raises:
        BenchmarkError: a connection failed, or server or client did.
    """
    server, port = start_server(loop, "protocol", cores, tls=tls)
    if tls:
        with server:
            return _with_tls(server, port, first, more, size, cores)
    command = [program("crowd_client"), str(port), "64"]
    with server, LineProcess(command, cores.client, "the crowd client") as crowd:
        crowd.ask(f"hold {first}", OPEN_SECONDS)
        wait_for_connections(server, first)
        before = _memory(server)
        crowd.ask(f"hold {more}", OPEN_SECONDS)
        wait_for_connections(server, first + more)
        after = _memory(server)
        sample = crowd.ask(f"echo {SAMPLE}", OPEN_SECONDS)
    return _figures(before, after, more, sample["served"] / sample["asked"])


def _with_tls(
    server: LineProcess, port: int, first: int, more: int, size: int, cores: Cores
) -> dict[str, float]:
    """Holds the connections by two load clients; one echo on each of the second, then again."""
    with Load(server, port, first, 64, cores, tls=True):
        wait_for_connections(server, first)
        before = _memory(server)
        with Load(server, port, more, size, cores, tls=True) as load:
            wait_for_connections(server, first + more)
            after = _memory(server)
            served = load.run(count=more).requests
            used = _memory(server)
    figures = _figures(before, after, more, served / more)
    return {**figures, "used_rss_bytes": (used["rss"] - before["rss"]) / more}


def _figures(
    before: dict[str, int], after: dict[str, int], more: int, served: float
) -> dict[str, float]:
    return {
        "rss_bytes": (after["rss"] - before["rss"]) / more,
        "pss_bytes": (after["pss"] - before["pss"]) / more,
        "total_mib": after["rss"] / 2**20,
        "served_percent": served * 100,
    }


def _memory(server: LineProcess) -> dict[str, int]:
    server.ask("stats", 60.0)  # collects the garbage, so that only what lives is counted
    settle(server.pid)
    return memory_bytes(server.pid)


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if options.first < 1 or options.more < 1:
        raise BenchmarkError("`memory` needs --first and --more of 1 or more.")
    loops, versions = select_loops(options)
    first, more, note = within_limits(options.first, options.more)
    if note:
        print(note, file=sys.stderr)
    values = interleave(
        options.rounds,
        loops if options.tls else [C_SERVER, *loops],
        partial(
            one_round,
            first=first,
            more=more,
            cores=choose_cores(),
            tls=options.tls,
            size=options.size,
        ),
        lambda loop: loop.label,
    )
    return {
        "command": "memory",
        "tls": options.tls,
        "size": options.size,
        "first": first,
        "more": more,
        "note": note,
        "versions": versions,
        "values": values,
    }


def render(result: Result) -> str:
    """Returns the table."""
    values = result["values"]
    if not values:
        return "Nothing was measured."
    keys = ["rss_bytes", "pss_bytes", "total_mib", "served_percent"]
    headers = ["server", "bytes (RSS)", "bytes (PSS)", "server MiB at the end", "sample served, %"]
    if result["tls"]:
        keys.append("used_rss_bytes")
        headers.append(f"bytes (RSS) after an echo of {result['size']:,}")
    rows = [[label, *[spread(values[key][label]) for key in keys]] for label in values[keys[0]]]
    over = "TLS " if result["tls"] else ""
    head = (
        f"memory per idle {over}connection, measured over {result['more']:,} connections after the "
        f"first {result['first']:,}. {result['note']}"
    )
    return f"{head.strip()}\n\n{table(headers, rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of bytes per connection."""
    series = Series(result["values"].get("rss_bytes", {}))
    bars = []
    for label, row in series.values.items():
        if found := present(row):
            middle = max(0.0, series.median(label) or 0.0)
            low, high = max(0.0, min(found)), max(0.0, max(found))
            bars.append(Bar(label, middle, low, high, f"{number(middle)} bytes"))
    note = "bytes of resident memory of the server; less is better"
    over = "TLS " if result["tls"] else ""
    name = "memory-tls" if result["tls"] else "memory"
    return [Chart(name, f"memory per idle {over}connection", note, [("", bars)])]
