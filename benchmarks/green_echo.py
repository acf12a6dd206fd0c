"""`green-echo`: what an echo costs in green threads: Mainspring's, gevent's and eventlet's.

The invariant is that of `echo`: one round is one fresh server process and one fresh client for each
library, one after the other, the C server first.
"""

import argparse
import sys

from benchmarks.figures import Series, interleave, spread, table
from benchmarks.green import usable_libraries
from benchmarks.green_cases import LIBRARIES
from benchmarks.options import Result
from benchmarks.proc import Cores, choose_cores
from benchmarks.processes import LineProcess
from benchmarks.relative import median_bars
from benchmarks.servers import C_SERVER, START_SECONDS, WARM_UP, Load, start_server
from benchmarks.svg import Chart

HELP = "CPU per request of an echo server in green threads, beside gevent's and eventlet's"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `green-echo`."""
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the values of all rounds")
    parser.add_argument("--size", type=int, default=1024, help="bytes of a request (1024)")
    parser.add_argument("--connections", type=int, default=100, help="connections (100)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds a round (2)")
    parser.add_argument(
        "--libraries",
        default=",".join(LIBRARIES),
        metavar="LIBRARY,LIBRARY",
        help=f"which ones (default: {', '.join(LIBRARIES)})",
    )


def start(library: str, cores: Cores) -> tuple[LineProcess, int]:
    """Starts an echo server.

    Args:
        library: a key of `LIBRARIES`, or the label of `C_SERVER`.
        cores: where it runs.

    Returns:
        The process and its port.

    Raises:
        BenchmarkError: it didn't start.
    """
    if library == C_SERVER.label:
        return start_server(C_SERVER, "", cores)
    command = [sys.executable, "-m", "benchmarks.green_echo_server", "--library", library]
    process = LineProcess(command, cores.server, f"the {library} server")
    try:
        return process, int(process.read(START_SECONDS)["port"])
    except BaseException:
        process.close()
        raise


def measure(options: argparse.Namespace) -> Result:
    """Runs the rounds."""
    versions = usable_libraries(options.libraries)
    cores = choose_cores()

    def one_round(library: str) -> dict[str, float]:
        server, port = start(library, cores)
        with server, Load(server, port, options.connections, options.size, cores) as load:
            load.run(min(WARM_UP, options.seconds))
            return load.run(options.seconds).figures()

    values = interleave(options.rounds, [C_SERVER.label, *versions], one_round, str)
    return {
        "command": "green-echo",
        "size": options.size,
        "connections": options.connections,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "pinned": cores.server is not None,
        "versions": versions,
        "values": values,
    }


def _title(result: Result) -> str:
    return f"green echo, {result['size']} B x {result['connections']} connections"


def render(result: Result) -> str:
    """Returns the table, with the ratios to gevent within each round."""
    series = {name: Series(rows) for name, rows in result["values"].items()}
    keys = ["cpu_us", "requests_per_s", "p50_us", "p99_us"]
    cpu = series["cpu_us"]
    rows = [
        [
            name,
            *[spread(series[key].values[name]) for key in keys],
            spread(cpu.ratios(name, "C")),
            spread(cpu.ratios(name, "gevent")),
        ]
        for name in cpu.values
    ]
    headers = ["server", "CPU us/request", "requests/s", "p50 us", "p99 us", "CPU / C"]
    where = "server and client on a core each" if result["pinned"] else "one core, nothing pinned"
    head = (
        f"{_title(result)}: median (lowest..highest) of {result['rounds']} interleaved rounds of "
        f"{result['seconds']:g} s; {where}."
    )
    return f"{head}\n\n{table([*headers, 'CPU / gevent'], rows)}"


def charts(result: Result) -> list[Chart]:
    """Returns the chart of CPU per request."""
    bars = median_bars(result["values"].get("cpu_us", {}), " us")
    note = "server CPU microseconds per request; less is better"
    name = f"green-echo-{result['size']}-{result['connections']}"
    return [Chart(name, _title(result), note, [("", bars)])]
