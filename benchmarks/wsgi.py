"""`wsgi`: what a small request costs a WSGI server: Mainspring's, gevent's, eventlet's, gunicorn's.

One round is one fresh server process and wrk for each, one after the other. gunicorn's has threads
(`gthread`), and the CPU is that of its one worker.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.options import Result
from benchmarks.proc import Cores, choose_cores, cpu_seconds
from benchmarks.processes import BenchmarkError, end, start
from benchmarks.relative import median_bars
from benchmarks.servers import settle
from benchmarks.svg import Chart
from benchmarks.wrk import free_port, missing_wrk, parse_wrk, run_wrk, wait_for_port

HELP = "CPU per request of WSGI servers under wrk: Mainspring's, gevent's, eventlet's, gunicorn's"
THREADS = "gunicorn gthread"


def green_server(library: str, port: int) -> list[str]:
    """Returns the command of a server in green threads."""
    module = "benchmarks.wsgi_server"
    return [sys.executable, "-m", module, "--library", library, "--port", str(port)]


def threads(port: int) -> list[str]:
    """Returns the command of gunicorn's server in OS threads."""
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "100"]
    command += [
        "--keep-alive",
        "1000",
        "--log-level",
        "warning",
        "-c",
        "python:benchmarks.wsgi_app",
    ]
    return [*command, "--bind", f"127.0.0.1:{port}", "benchmarks.wsgi_app:application"]


# The command of each server, and the package that it needs besides Mainspring.
SERVERS: dict[str, tuple[Callable[[int], list[str]], str]] = {
    "mainspring": (partial(green_server, "mainspring"), "httptools"),
    "gevent": (partial(green_server, "gevent"), "gevent"),
    "eventlet": (partial(green_server, "eventlet"), "eventlet"),
    THREADS: (threads, "gunicorn"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `wsgi`."""
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")
    parser.add_argument("--connections", type=int, default=100, help="connections (100)")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds a round (3)")
    parser.add_argument(
        "--servers",
        default=",".join(SERVERS),
        metavar="SERVER,SERVER",
        help=f"which ones (default: {', '.join(SERVERS)})",
    )


def usable_servers(names: str) -> dict[str, str]:
    """Returns the servers asked for that can run here, and the versions of their packages.

    Args:
        names: what `--servers` was given; those that lack a package are named and left out.

    Raises:
        BenchmarkError: one isn't known.
    """
    found = {}
    for name in names.split(","):
        if name not in SERVERS:
            raise BenchmarkError(f"there is no server {name!r}; there are {', '.join(SERVERS)}.")
        package = SERVERS[name][1]
        if importlib.util.find_spec(package) is None:
            print(f"{name} is left out: pip install {package}", file=sys.stderr)
        else:
            found[name] = f"{package} {version(package)}"
    return found


def worker_of(pid: int) -> int:
    """Returns the process that serves: gunicorn's child, or the process itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def one_round(name: str, *, seconds: float, connections: int, cores: Cores) -> dict[str, float]:
    """Measures a server once.

    Args:
        name: a key of `SERVERS`.
        seconds: the window.
        connections: wrk's connections.
        cores: where server and client run.

    Returns:
        The figures by name.

    Raises:
        BenchmarkError: the server or wrk failed.
    """
    port = free_port()
    server = start(SERVERS[name][0](port), cores.server, stdin=subprocess.DEVNULL)
    try:
        wait_for_port(port, server, name)
        run_wrk(port, 1, connections, cores)
        pid = worker_of(server.pid)
        settle(pid)
        before = cpu_seconds(pid)
        requests, figures = parse_wrk(run_wrk(port, seconds, connections, cores))
        settle(pid)
        used = cpu_seconds(pid) - before
    finally:
        server.terminate()
        end(server)
    return {"cpu_us": used / requests * 1e6, **figures}


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    if problem := missing_wrk("wsgi"):
        raise BenchmarkError(problem)
    versions = usable_servers(options.servers)
    run = partial(
        one_round, seconds=options.seconds, connections=options.connections, cores=choose_cores()
    )
    return {
        "command": "wsgi",
        "connections": options.connections,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "versions": versions,
        "values": interleave(options.rounds, list(versions), run, str),
    }


def _title(result: Result) -> str:
    return f"WSGI, a small GET x {result['connections']} connections"


def render(result: Result) -> str:
    """Returns the table, with the ratios to gevent within each round."""
    series = {name: Series(rows) for name, rows in result["values"].items()}
    keys = ["cpu_us", "requests_per_s", "p50_us", "p99_us"]
    rows = [
        [
            name,
            *[spread(series[key].values[name]) for key in keys],
            spread(series["cpu_us"].ratios(name, "gevent")),
        ]
        for name in series["cpu_us"].values
    ]
    headers = ["server", "CPU us/request", "requests/s", "p50 us", "p99 us", "CPU / gevent"]
    head = (
        f"{_title(result)}, kept alive, under wrk: median (lowest..highest) of "
        f"{result['rounds']} interleaved rounds of {result['seconds']:g} s."
    )
    return f"{head}\n\n{table(headers, rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of CPU per request."""
    bars = median_bars(result["values"].get("cpu_us", {}), " us")
    note = "server CPU microseconds per request; less is better"
    return [Chart(f"wsgi-{result['connections']}", _title(result), note, [("", bars)])]
