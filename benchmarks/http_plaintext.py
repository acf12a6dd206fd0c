"""`http`: requests a second of uvicorn on each loop, under wrk.

The invariant: uvicorn is the same in every column (httptools, no access log, no lifespan); only
`--loop MODULE:FACTORY` differs. Its CPU time is read around wrk's window, after a warm-up, and
wrk runs on another core.
"""

import argparse
import importlib.util
import subprocess
import sys
from functools import partial

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores, choose_cores, cpu_seconds
from benchmarks.processes import BenchmarkError, end, start
from benchmarks.relative import median_bars
from benchmarks.servers import settle
from benchmarks.svg import Chart
from benchmarks.wrk import free_port, missing_wrk, parse_wrk, run_wrk, wait_for_port

HELP = "plaintext requests per second of uvicorn (httptools) on each loop, under wrk"
CONNECTIONS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `http`."""
    add_common(parser, rounds=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds a round (3)")
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help=f"connections ({CONNECTIONS})"
    )


def missing() -> str | None:
    """Returns what this command lacks here as a sentence with the remedy, or None."""
    if problem := missing_wrk("http"):
        return problem
    for package in ("uvicorn", "httptools"):
        if importlib.util.find_spec(package) is None:
            return f"`http` needs {package}, which isn't installed (pip install {package})."
    return None


def one_round(
    loop: LoopName, *, seconds: float, connections: int, cores: Cores
) -> dict[str, float]:
    """Measures uvicorn on one loop once.

    Args:
        loop: the loop.
        seconds: the window.
        connections: wrk's connections.
        cores: where server and client run.

    Returns:
        The figures by name.

    Raises:
        BenchmarkError: uvicorn or wrk failed.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.http_app:app", "--loop", loop.spec]
    command += ["--http", "httptools", "--ws", "none", "--lifespan", "off", "--no-access-log"]
    command += ["--log-level", "warning", "--host", "127.0.0.1", "--port", str(port)]
    server = start(command, cores.server, stdin=subprocess.DEVNULL)
    try:
        wait_for_port(port, server, "uvicorn")
        run_wrk(port, 1, connections, cores)
        settle(server.pid)
        before = cpu_seconds(server.pid)
        requests, figures = parse_wrk(run_wrk(port, seconds, connections, cores))
        settle(server.pid)
        used = cpu_seconds(server.pid) - before
    finally:
        server.terminate()
        end(server)
    return {"cpu_us": used / requests * 1e6, **figures}


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if problem := missing():
        raise BenchmarkError(problem)
    loops, versions = select_loops(options)
    values = interleave(
        options.rounds,
        loops,
        partial(
            one_round,
            seconds=options.seconds,
            connections=options.connections,
            cores=choose_cores(),
        ),
        lambda loop: loop.label,
    )
    return {
        "command": "http",
        "connections": options.connections,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "versions": versions,
        "values": values,
    }


def render(result: Result) -> str:
    """Returns the table."""
    values = result["values"]
    if not values:
        return "Nothing was measured."
    rate = Series(values["requests_per_s"])
    keys = ["requests_per_s", "cpu_us", "p50_us", "p99_us"]
    rows = [
        [
            label,
            *[spread(values.get(key, {}).get(label, [])) for key in keys],
            spread(rate.ratios(label, "uvloop")),
        ]
        for label in rate.values
    ]
    headers = ["uvicorn on", "requests/s", "CPU us/request", "p50 us", "p99 us"]
    head = (
        f"HTTP plaintext, uvicorn with httptools under wrk, {result['connections']} connections: "
        f"median (lowest..highest) of {result['rounds']} interleaved rounds of "
        f"{result['seconds']:g} s."
    )
    return f"{head}\n\n{table([*headers, 'requests/s / uvloop'], rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of requests per second."""
    bars = median_bars(result["values"].get("requests_per_s", {}), "/s")
    return [Chart("http", "HTTP plaintext on uvicorn", "requests/s; more is better", [("", bars)])]
