"""`rpc`: echo calls through each messaging library, some in flight at a time.

A peer is a function that serves an echo and returns what calls it; `PEERS` names them with the URL
that they need. Server and client are in one process, so the CPU per call is that of both; where a
broker is a process of its own, its part isn't in it. The invariant: a round counts only if every
call returned what it was given.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import make_loop
from benchmarks.options import Result, add_common, select_loops
from benchmarks.processes import BenchmarkError, LineProcess
from benchmarks.svg import Chart

HELP = "calls per second and CPU per echo call, through a broker"
ROUND_SECONDS = 300.0
MEASURES = {"calls": "calls/s", "cpu_us": "CPU, us per call"}

type Call = Callable[[str], Awaitable[Any]]
type Peer = Callable[[str], AbstractAsyncContextManager[Call]]


@asynccontextmanager
async def mainspring(url: str) -> AsyncIterator[Call]:
    """Ours, over any of its transports."""
    from mainspring.messaging import Client, Server, Target, get_transport

    class Echo:
        async def echo(self, text: str) -> str:
            return text

    transport = get_transport(url)
    client = Client(transport, Target(topic="bench"))
    async with Server(transport, Target(topic="bench", server="one"), [Echo()]):
        yield lambda text: client.call("echo", text=text)
    await transport.close()


@asynccontextmanager
async def nats_py(url: str) -> AsyncIterator[Call]:
    """nats-py's own request and reply."""
    import nats
    from nats.aio.msg import Msg

    async def echo(msg: Msg) -> None:
        await msg.respond(msg.data)

    connection = await nats.connect(url)
    await connection.subscribe("bench", "servers", cb=echo)
    await connection.flush()

    async def call(text: str) -> str:
        answer = await connection.request("bench", text.encode(), timeout=ROUND_SECONDS)
        return answer.data.decode()

    yield call
    await connection.close()


PEERS: dict[str, tuple[Peer, str]] = {
    "mainspring": (mainspring, "memory://bench"),
    "nats-py": (nats_py, "nats://127.0.0.1:4222"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `rpc`."""
    add_common(parser, rounds=5, loops="mainspring,asyncio")
    parser.add_argument("--peers", default="mainspring", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--url", help="the broker (each peer's own default)")
    parser.add_argument("--calls", type=int, default=20_000, help="calls a round (20,000)")
    parser.add_argument("--in-flight", type=int, default=64, help="tasks that call (64)")
    parser.add_argument("--size", type=int, default=64, help="bytes of an echo (64)")


def one_round(way: tuple[str, str, str], options: argparse.Namespace) -> dict[str, float]:
    """Makes all calls once.

    Args:
        way: the peer, the loop's factory, and the name of both.
        options: of the command.

    Returns:
        Calls per second, and microseconds of CPU per call.

    Raises:
        BenchmarkError: it failed, or a call came back wrong.
    """
    peer, loop, label = way
    url = options.url or PEERS[peer][1]
    command = [sys.executable, "-m", "benchmarks.rpc", peer, loop, url]
    command += [str(n) for n in (options.calls, options.in_flight, options.size)]
    with LineProcess(command, None, label) as child:
        found = child.read(ROUND_SECONDS)
    if found["wrong"]:
        raise BenchmarkError(f"{label}: {found['wrong']} calls returned something else")
    return {key: found[key] for key in MEASURES}


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    peers = options.peers.split(",")
    unknown = [peer for peer in peers if peer not in PEERS]
    if unknown or options.in_flight < 1 or options.calls < options.in_flight:
        raise BenchmarkError(
            f"`rpc` needs --peers of {', '.join(PEERS)}, and --calls of --in-flight or more."
        )
    loops, versions = select_loops(options)
    ways = [(peer, loop.spec, f"{peer} on {loop.label}") for peer in peers for loop in loops]
    run = partial(_run, options=options)
    return {
        "command": "rpc",
        "rounds": options.rounds,
        "calls": options.calls,
        "in_flight": options.in_flight,
        "size": options.size,
        "versions": versions,
        "values": interleave(options.rounds, ways, run, lambda way: way[2]),
    }


def _run(way: tuple[str, str, str], *, options: argparse.Namespace) -> dict[str, float]:
    return one_round(way, options)


def render(result: Result) -> str:
    """Returns the table."""
    values = result["values"]
    if not values:
        return "Nothing was measured."
    series = {key: Series(values[key]) for key in MEASURES}
    rows = [
        [label, *(spread(series[key].values[label]) for key in MEASURES)]
        for label in series["calls"].values
    ]
    head = (
        f"{result['calls']:,} echo calls of {result['size']} bytes, {result['in_flight']:,} in "
        f"flight, server and client in one process: median (lowest..highest) of "
        f"{result['rounds']} interleaved rounds."
    )
    return f"{head}\n\n{table(['peer', *MEASURES.values()], rows)}"


def charts(result: Result) -> list[Chart]:
    """Has none."""
    return []


async def _calls(peer: str, url: str, calls: int, in_flight: int, size: int) -> dict[str, float]:
    text = "x" * size
    wrong = 0

    async def caller(call: Call, count: int) -> None:
        nonlocal wrong
        for _ in range(count):
            wrong += await call(text) != text

    async with PEERS[peer][0](url) as call:
        await caller(call, 100)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        count = calls // in_flight
        await asyncio.gather(*[caller(call, count) for _ in range(in_flight)])
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    made = count * in_flight
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"calls": made / seconds, "cpu_us": cpu * 1e6 / made, "wrong": wrong}


def main() -> None:
    """Runs one round in this process; prints its figures as one line of JSON."""
    peer, spec, url, calls, in_flight, size = sys.argv[1:]
    loop = make_loop(spec)
    asyncio.set_event_loop(loop)
    found = loop.run_until_complete(_calls(peer, url, int(calls), int(in_flight), int(size)))
    loop.close()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
