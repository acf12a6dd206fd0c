"""`syscalls`: how many system calls one echo costs in steady state, counted by strace.

The invariant: strace is attached only after a warm-up and leaves before the connection closes,
and the number of echoes is exact, so what it saw is the steady state: at three calls an echo
(poll, recv, send) nothing can be left out. The second count has the server write twice in one
callback: a loop that gathers writes still does one send. `sockets` is a task with `sock_recv` and
`sock_sendall`.
"""

import argparse
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.figures import number, present, progress, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import choose_cores
from benchmarks.processes import BenchmarkError, end, start
from benchmarks.servers import C_SERVER, Load, start_server
from benchmarks.svg import Bar, Chart

HELP = "system calls per echo on each loop, and with two writes in one callback"
CALL = re.compile(r"^\d+\s+(\w+)\(", re.MULTILINE)
ATTACH_SECONDS = 10.0
SENDS = ("send", "sendto", "sendmsg", "sendmmsg", "write", "writev")

# What is traced: its title, how the server is written, how many datagrams come at a time.
WAYS = {
    "protocol": ("protocol", "protocol", 0),
    "split": ("protocol, two writes in one callback", "split", 0),
    "streams": ("streams", "streams", 0),
    "sockets": ("sock_recv, sock_sendall", "sockets", 0),
    "datagrams": ("datagrams", "datagrams", 1),
    "bursts": ("datagrams, 16 at a time", "datagrams", 16),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `syscalls`."""
    add_common(parser, rounds=1)
    parser.add_argument("--count", type=int, default=1000, help="echoes traced (1000)")
    parser.add_argument("--size", type=int, default=1024, help="bytes of a request (1024)")


def traced(loop: LoopName, api: str, size: int, count: int, burst: int) -> dict[str, float]:
    """Counts the calls of a server while it serves one connection.

    Args:
        loop: the loop, or the C server.
        api: how the server is written.
        size: bytes of a request.
        count: how many echoes.
        burst: how many datagrams at a time; 0 over a stream.

    Returns:
        Calls per echo by the name of the call.

    Raises:
        BenchmarkError: strace can't trace here, or the server failed.
    """
    cores = choose_cores()
    server, port = start_server(loop, api, cores)
    with tempfile.TemporaryDirectory() as folder, server:
        log = Path(folder) / "calls"
        with Load(server, port, 1, size, cores, burst=burst) as load:
            messages = count // max(1, burst)
            load.run(count=messages)
            command = ["strace", "-f", "-o", str(log), "-p", str(server.pid)]
            tracer = start(command, None, stderr=subprocess.PIPE)
            try:
                _wait_until_attached(tracer)
                echoes = load.run(count=messages).requests
            finally:
                tracer.send_signal(signal.SIGINT)
                end(tracer)
        calls = Counter(CALL.findall(log.read_text()))
    return {name: number / echoes for name, number in calls.most_common()}


def _wait_until_attached(tracer: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + ATTACH_SECONDS
    assert tracer.stderr is not None
    said = tracer.stderr.readline().decode()
    if "attached" not in said or time.monotonic() > deadline:
        raise BenchmarkError(f"strace can't trace here: {said.strip()}")


def measure(options: argparse.Namespace) -> Result:
    """Traces each server in each way."""
    if not shutil.which("strace"):
        raise BenchmarkError(
            "`syscalls` needs strace, which isn't installed (Debian: apt-get install strace)."
        )
    loops, versions = select_loops(options)
    values: dict[str, dict[str, dict[str, float]]] = {}
    for way, (_, api, burst) in WAYS.items():
        for loop in loops if api != "protocol" else [C_SERVER, *loops]:
            progress(f"{way}: {loop.label}")
            try:
                found = traced(loop, api, options.size, options.count, burst)
            except BenchmarkError as error:
                if str(error).startswith("strace"):
                    raise
                found = {}
            values.setdefault(way, {})[loop.label] = found
    progress("")
    return {
        "command": "syscalls",
        "count": options.count,
        "size": options.size,
        "versions": versions,
        "values": values,
    }


def describe(calls: dict[str, float]) -> str:
    """Returns the calls that are part of an echo; what happened once in the window isn't."""
    shown = [f"{name} {number(count)}" for name, count in calls.items() if count >= 0.01]
    return ", ".join(shown) or "-"


def render(result: Result) -> str:
    """Returns one table for each way to serve."""
    rows = []
    for way, found in result["values"].items():
        for label, calls in found.items():
            total = sum(calls.values())
            sends = sum(calls.get(name, 0.0) for name in SENDS)
            total_text, sends_text = (number(total), number(sends)) if calls else ("failed", "-")
            rows.append([f"{WAYS[way][0]}: {label}", total_text, sends_text, describe(calls)])
    head = (
        f"system calls per echo of {result['size']} bytes on one connection, counted with strace "
        f"over {result['count']} echoes."
    )
    return f"{head}\n\n{table(['server', 'calls', 'sends', 'which'], rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of calls per echo for each way."""
    groups = []
    for api, found in result["values"].items():
        totals = {label: sum(calls.values()) for label, calls in found.items() if calls}
        bars = [
            Bar(label, total, total, total, f"{total:.2f}")
            for label, total in totals.items()
            if present([total])
        ]
        groups.append((api, bars))
    return [Chart("syscalls", "system calls per echo", "less is better", groups)]
