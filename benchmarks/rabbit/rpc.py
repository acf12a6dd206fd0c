"""What a call over RabbitMQ costs: ours, oslo.messaging's and aio-pika's, on one broker.

Client and server are a process each. CPU is what the scheduler says of both together, over a window
in which nothing else is done: the broker, which is the bottleneck on two cores, isn't in it.
Rounds are interleaved.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.figures import spread
from benchmarks.proc import cpu_seconds
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.rabbit.broker import broker_url
from benchmarks.svg import Chart

HELP = "RPC over RabbitMQ: calls/s, CPU per call, latency of one call at a time"

HERE = Path(__file__).parent
PATIENCE = 300.0
PEERS = ("mainspring", "oslo.messaging", "aio-pika", "aio-pika+uvloop")
# Calls a round, at so many in flight. Slow peers get fewer of them.
SHARES = {"mainspring": 1.0, "oslo.messaging": 0.2, "aio-pika": 0.5, "aio-pika+uvloop": 0.5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--calls", type=int, default=20_000, help="calls in a round")
    parser.add_argument("--bytes", type=int, default=64, help="size of the argument")
    parser.add_argument("--in-flight", type=int, default=64, help="calls at a time")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")


def command(peer: str, role: str, url: str, size: int) -> list[str]:
    """Returns what starts one side of a peer."""
    if peer == "mainspring":
        return [sys.executable, "-m", "benchmarks.rabbit.peer_mainspring", role, url, str(size)]
    if peer == "oslo.messaging":
        from tests.services.oslo import python_of

        return [str(python_of("current")), str(HERE / "peer_oslo.py"), role, url, str(size)]
    if peer in ("aio-pika", "aio-pika+uvloop"):
        loop = "uvloop:new_event_loop" if "uvloop" in peer else "asyncio:new_event_loop"
        module = "benchmarks.rabbit.peer_aio_pika"
        return [sys.executable, "-m", module, role, url, str(size), loop]
    raise BenchmarkError(f"{peer!r} is none of {', '.join(PEERS)}.")


def one_round(peer: str, url: str, options: argparse.Namespace) -> dict[str, float]:
    """Starts both sides of a peer, warms them up and measures."""
    with (
        LineProcess(command(peer, "server", url, options.bytes), name=f"{peer} server") as server,
    ):
        server.read(PATIENCE)
        with LineProcess(command(peer, "client", url, options.bytes), name=peer) as client:
            client.read(PATIENCE)
            calls = max(options.in_flight, int(options.calls * SHARES[peer]))
            client.ask(f"{max(calls // 10, options.in_flight)} {options.in_flight}", PATIENCE)
            before = [cpu_seconds(side.pid) for side in (client, server)]
            busy = client.ask(f"{calls} {options.in_flight}", PATIENCE)
            used = [
                cpu_seconds(side.pid) - start
                for side, start in zip((client, server), before, strict=True)
            ]
            alone = client.ask(f"{max(100, calls // 20)} 1", PATIENCE)
    done = busy["calls"]
    return {
        "calls_per_second": done / busy["seconds"],
        "client_us": used[0] / done * 1e6,
        "server_us": used[1] / done * 1e6,
        "cpu_us": sum(used) / done * 1e6,
        "busy_p99_ms": busy["p99_ms"],
        "alone_p50_ms": alone["p50_ms"],
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs all peers in turn; a RabbitMQ of its own unless MAINSPRING_RABBITMQ_URL names one."""
    with broker_url() as url:
        return rounds(url, options)


def rounds(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each peer and round."""
    peers = options.peers.split(",")
    found: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
    for _ in range(options.rounds):
        for peer in peers:
            found[peer].append(one_round(peer, url, options))
    return {"in_flight": options.in_flight, "bytes": options.bytes, "peers": found}


COLUMNS = {
    "calls/s": "calls_per_second",
    "CPU us/call": "cpu_us",
    "client": "client_us",
    "server": "server_us",
    "p99 ms": "busy_p99_ms",
    "1 in flight: p50 ms": "alone_p50_ms",
}


def render(result: dict[str, Any]) -> str:
    """Returns the table, and the ratios to the first peer."""
    size, in_flight = result["bytes"], result["in_flight"]
    lines = [f"RPC over RabbitMQ, {size} bytes, {in_flight} in flight", ""]
    lines.append("| peer | " + " | ".join(COLUMNS) + " | CPU, ratio |")
    lines.append("| --- " * (len(COLUMNS) + 2) + "|")
    first = next(iter(result["peers"].values()))
    for peer, figures in result["peers"].items():
        cells = [spread([figure[name] for figure in figures]) for name in COLUMNS.values()]
        ratios = [b["cpu_us"] / a["cpu_us"] for a, b in zip(first, figures, strict=True)]
        lines.append(f"| {peer} | " + " | ".join(cells) + f" | {statistics.median(ratios):.2f} |")
    return "\n".join(lines)


def charts(result: dict[str, Any]) -> list[Chart]:
    """Returns no plots."""
    return []
