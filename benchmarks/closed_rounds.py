"""Rounds of calls through a broker: a client and a server, each a process, peers in turn.

CPU is what the scheduler says of client and server together, over a window in which nothing else is
done: the broker, which is the bottleneck on two cores, isn't in it.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.figures import spread
from benchmarks.proc import cpu_seconds
from benchmarks.processes import LineProcess
from benchmarks.svg import Chart

__all__ = ["Command", "add_arguments", "charts", "render", "rounds"]

PATIENCE = 300.0

# What starts one side of a peer, of: the peer, the side, the broker's URL, the size of an argument.
type Command = Callable[[str, str, str, int], list[str]]


def add_arguments(parser: argparse.ArgumentParser, peers: Sequence[str]) -> None:
    """Adds the options of a command.

    Args:
        parser: the command's.
        peers: all that there are.
    """
    parser.add_argument("--peers", default=",".join(peers), help="which, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--calls", type=int, default=20_000, help="calls in a round")
    parser.add_argument("--bytes", type=int, default=64, help="size of the argument")
    parser.add_argument("--in-flight", type=int, default=64, help="calls at a time")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")


def one_round(
    command: Command, peer: str, url: str, options: argparse.Namespace, share: float
) -> dict[str, float]:
    """Starts both sides of a peer, warms them up and measures."""
    serving = command(peer, "server", url, options.bytes)
    with LineProcess(serving, name=f"{peer} server") as server:
        server.read(PATIENCE)
        with LineProcess(command(peer, "client", url, options.bytes), name=peer) as client:
            client.read(PATIENCE)
            calls = max(options.in_flight, int(options.calls * share))
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


def rounds(
    broker: str,
    command: Command,
    url: str,
    options: argparse.Namespace,
    shares: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Returns the figures of each peer and round.

    Args:
        broker: what is measured on.
        command: starts one side of a peer.
        url: where the broker is.
        options: of the command.
        shares: what part of the calls a peer makes, where that isn't all; slow ones make fewer.
    """
    peers = options.peers.split(",")
    found: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
    for _ in range(options.rounds):
        for peer in peers:
            share = (shares or {}).get(peer, 1.0)
            found[peer].append(one_round(command, peer, url, options, share))
    size, in_flight = options.bytes, options.in_flight
    return {"broker": broker, "in_flight": in_flight, "bytes": size, "peers": found}


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
    lines = [f"RPC over {result['broker']}, {size} bytes, {in_flight} in flight", ""]
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
