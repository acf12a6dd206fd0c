"""`http`: requests a second of uvicorn on each loop, under wrk.

The invariant: uvicorn is the same in every column (httptools, no access log, no lifespan); only
`--loop MODULE:FACTORY` differs. Its CPU time is read around wrk's window, after a warm-up, and
wrk runs on another core.
"""

import argparse
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
from functools import partial

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.loops import LoopName
from benchmarks.options import Result, add_common, select_loops
from benchmarks.proc import Cores, choose_cores, cpu_seconds
from benchmarks.processes import BenchmarkError, end, start
from benchmarks.relative import median_bars
from benchmarks.servers import settle
from benchmarks.svg import Chart

HELP = "plaintext requests per second of uvicorn (httptools) on each loop, under wrk"
CONNECTIONS = 64
START_SECONDS = 20.0
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `http`."""
    add_common(parser, rounds=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds a round (3)")
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help=f"connections ({CONNECTIONS})"
    )


def missing() -> str | None:
    """Returns what this command lacks here as a sentence with the remedy, or None."""
    if not shutil.which("wrk"):
        return "`http` needs wrk, which isn't installed (Debian: apt-get install wrk)."
    for package in ("uvicorn", "httptools"):
        if importlib.util.find_spec(package) is None:
            return f"`http` needs {package}, which isn't installed (pip install {package})."
    return None


def parse_wrk(text: str) -> tuple[int, dict[str, float]]:
    """Reads wrk's report.

    Args:
        text: what wrk printed, with `--latency`.

    Returns:
        The number of requests, and requests per second and percentiles in microseconds.

    Raises:
        BenchmarkError: it isn't such a report, or some requests failed.
    """
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not total or not rate:
        raise BenchmarkError(f"wrk printed no figures: {text.strip()[-200:]!r}")
    if failed := re.search(r"(Non-2xx|Socket errors).*", text):
        raise BenchmarkError(f"wrk saw failures: {failed.group(0)}")
    figures = {"requests_per_s": float(rate.group(1))}
    for percent in ("50", "99"):
        if found := re.search(rf"\b{percent}%\s+([\d.]+)([a-z]+)", text):
            figures[f"p{percent}_us"] = float(found.group(1)) * UNITS[found.group(2)]
    return int(total.group(1)), figures


def run_wrk(port: int, seconds: float, connections: int, cores: Cores) -> str:
    """Runs wrk for whole seconds (it knows no fractions) and returns its report."""
    whole = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--latency"]
    process = start([*command, f"http://127.0.0.1:{port}/"], cores.client, stdout=subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=whole + 30)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise BenchmarkError("wrk hung.") from error
    return output.decode()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Waits until something listens.

    Raises:
        BenchmarkError: the process ended, or nothing listens in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"uvicorn ended with status {process.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchmarkError(f"uvicorn doesn't listen after {START_SECONDS:.0f} s.")


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
        wait_for_port(port, server)
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
