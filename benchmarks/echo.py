"""`echo`: what an echo costs on each loop, beside the floor that a C server sets.

The invariant: one round is one fresh server process and one fresh client for each loop, one
loop after the other, the C server first; nothing of one round (a warm allocator, a port, a
cache of connections) is there in the next. Within it, the first part warms up and isn't counted.
"""

import argparse
from collections.abc import Mapping
from functools import partial

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores, choose_cores
from benchmarks.relative import median_bars
from benchmarks.servers import C_SERVER, WARM_UP, Load, start_server
from benchmarks.svg import Chart

HELP = "CPU per request, throughput and latency of an echo server on each loop, and in C"
APIS = ("protocol", "buffered", "streams", "sockets", "datagrams")
# What the system keeps for a socket by default holds somewhat more small datagrams.
MOST_IN_FLIGHT = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `echo`."""
    add_common(parser, rounds=5)
    parser.add_argument("--size", type=int, default=1024, help="bytes of a request (1024)")
    parser.add_argument("--connections", type=int, default=100, help="connections (100)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds a round (2)")
    parser.add_argument("--tls", action="store_true", help="over TLS; there is no C server then")
    parser.add_argument("--api", choices=APIS, default="protocol", help="how the server is written")
    parser.add_argument(
        "--burst",
        type=int,
        default=1,
        help="for datagrams: how many each connection sends at a time (1); there is no C server",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set for the servers; may be given several times",
    )


def one_round(
    loop: LoopName,
    *,
    api: str,
    size: int,
    connections: int,
    seconds: float,
    cores: Cores,
    extra: Mapping[str, str],
    tls: bool,
    burst: int,
) -> dict[str, float]:
    """Measures one server once.

    Args:
        loop: the loop, or the C server.
        api: one of `APIS`.
        size: bytes of a request.
        connections: how many, with one request in flight each.
        seconds: the measured window.
        cores: where server and client run.
        extra: environment variables for the server.
        tls: True to talk TLS.
        burst: datagrams in flight on each connection; 0 over a stream.

    Returns:
        The figures by name.

    Raises:
        BenchmarkError: server or client failed.
    """
    server, port = start_server(loop, api, cores, extra, tls=tls)
    with server, Load(server, port, connections, size, cores, tls=tls, burst=burst) as load:
        load.run(min(WARM_UP, seconds))
        return load.run(seconds).figures()


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if wrong := [pair for pair in options.env if "=" not in pair]:
        raise SystemExit(f"--env takes NAME=VALUE, not {wrong[0]!r}")
    datagrams = options.api == "datagrams"
    if datagrams and options.tls:
        raise SystemExit("--tls is for streams, not for datagrams")
    if datagrams and options.connections * options.burst > MOST_IN_FLIGHT:
        raise SystemExit(
            f"{options.connections} connections x {options.burst} datagrams overflow the server's "
            f"socket, and what is lost ends the run: together at most {MOST_IN_FLIGHT}"
        )
    loops, versions = select_loops(options)
    cores = choose_cores()
    values = interleave(
        options.rounds,
        loops if options.tls or datagrams else [C_SERVER, *loops],
        partial(
            one_round,
            api=options.api,
            size=options.size,
            connections=options.connections,
            seconds=options.seconds,
            cores=cores,
            extra=dict(pair.split("=", 1) for pair in options.env),
            tls=options.tls,
            burst=options.burst if datagrams else 0,
        ),
        lambda loop: loop.label,
    )
    return {
        "command": "echo",
        "api": options.api,
        "tls": options.tls,
        "size": options.size,
        "connections": options.connections,
        "burst": options.burst if datagrams else 0,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "env": options.env,
        "pinned": cores.server is not None,
        "versions": versions,
        "values": values,
    }


def title(result: Result) -> str:
    """Returns what was measured, in a few words."""
    size = int(result["size"])
    shown = f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} B"
    extra = "".join(f", {pair}" for pair in result["env"])
    over = ", TLS" if result["tls"] else ""
    burst = f" x {result['burst']} at a time" if result["burst"] else ""
    return (
        f"echo, {result['api']}{over}, {shown} x {result['connections']} connections{burst}{extra}"
    )


def render(result: Result) -> str:
    """Returns the tables: figures, and ratios within each round."""
    values = result["values"]
    if not values:
        return "Nothing was measured."
    series = {name: Series(rows) for name, rows in values.items()}
    names = list(series["cpu_us"].values)
    keys = ["cpu_us", "requests_per_s", "p50_us", "p99_us", "p999_us"]
    cpu = series["cpu_us"]
    rows = [
        [
            name,
            *[spread(series[key].values[name]) for key in keys],
            spread(cpu.ratios(name, "C")),
            spread(cpu.ratios(name, "uvloop")),
            spread(series["requests_per_s"].ratios(name, "uvloop")),
        ]
        for name in names
    ]
    headers = [
        "server",
        "CPU us/request",
        "requests/s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "CPU / C",
        "CPU / uvloop",
        "requests/s / uvloop",
    ]
    where = "server and client on a core each" if result["pinned"] else "one core, nothing pinned"
    head = (
        f"{title(result)}: median (lowest..highest) of {result['rounds']} interleaved rounds of "
        f"{result['seconds']:g} s; {where}."
    )
    return f"{head}\n\n{table(headers, rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of CPU per request."""
    bars = median_bars(result["values"].get("cpu_us", {}), " us")
    kind = f"tls-{result['api']}" if result["tls"] else result["api"]
    name = f"echo-{kind}-{result['size']}-{result['connections']}"
    if result["burst"]:
        name += f"-{result['burst']}"
    if result["env"]:
        name += "-env"
    note = "server CPU microseconds per request; less is better"
    return [Chart(name, title(result), note, [("", bars)])]
