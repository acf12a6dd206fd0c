"""An echo server whose process does other work as well: how `latency` and `gate` measure it.

The invariant: one cell is a fresh server and a fresh client. First the work runs alone, then beside
the load, in the same process; its units are read from shared memory, so reading costs the server
nothing and waits for no loop.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.beside import SLOT_BYTES, SLOTS, UNIT_SECONDS, open_counters, spin
from benchmarks.figures import interleave
from benchmarks.loops import LoopName
from benchmarks.options import Result, select_loops
from benchmarks.proc import Cores, choose_cores, cpu_seconds
from benchmarks.processes import LineProcess
from benchmarks.servers import START_SECONDS, WARM_UP, Load, python_server, settle

SIZE = 1024


@dataclass(frozen=True)
class Case:
    """What runs beside the echo.

    Attributes:
        name: what the user types and reads.
        parts: names out of `benchmarks.beside.PARTS`.
        nice: the niceness of the threads of `to_thread`.
    """

    name: str
    parts: tuple[str, ...]
    nice: int = 0


NOTHING = Case("nothing", ())


@dataclass(frozen=True)
class Cell:
    """One server to measure."""

    case: Case
    loop: LoopName
    connections: int

    @property
    def key(self) -> str:
        """What its values are kept under."""
        return key(self.case.name, self.loop.label, self.connections)


def key(case: str, loop: str, connections: int) -> str:
    """Returns what the values of a cell are kept under."""
    return f"{case}/{loop}/{connections}"


@dataclass(frozen=True)
class Setting:
    """What is the same for all cells of a run.

    Attributes:
        cores: where server and client run.
        seconds: of the measured window.
        unit: how far a unit of the work counts; see `calibrate`.
        rate: requests per second by the clock, or 0 for one in flight on each connection.
    """

    cores: Cores
    seconds: float
    unit: int
    rate: int = 0


def calibrate(core: int | None) -> int:
    """Returns how far a unit of work must count to take `UNIT_SECONDS` of CPU.

    Args:
        core: where the servers run, or None.
    """
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        count, times = 20_000, []
        for _ in range(200):
            began = time.thread_time()
            spin(count)
            times.append(time.thread_time() - began)
    finally:
        os.sched_setaffinity(0, before)
    return max(1, round(count * UNIT_SECONDS / statistics.median(times)))


class Counters:
    """The units of work that a server has done, in a file that it shares.

    Args:
        path: the file; it is made.
    """

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(SLOTS * SLOT_BYTES))
        self.path = path
        self._units = open_counters(path)

    @contextmanager
    def rate(self) -> Iterator[list[float]]:
        """Measures units per second over a block; the list has them when the block has ended."""
        rates: list[float] = []
        units, began = sum(self._units), time.perf_counter()
        yield rates
        rates.append((sum(self._units) - units) / (time.perf_counter() - began))


def measure_cell(cell: Cell, setting: Setting, ways: dict[str, list[str]]) -> dict[str, float]:
    """Measures one server once.

    Args:
        cell: the server and what runs beside it.
        setting: how.
        ways: receives how the parts run on this loop, under the cell's key.

    Returns:
        The figures by name. With nothing beside the echo, the CPU time of a request too; with
        something, its units per second, alone and beside the load.

    Raises:
        BenchmarkError: server or client failed.
    """
    command = python_server(cell.loop, "protocol")
    with tempfile.TemporaryDirectory() as folder:
        counters = Counters(Path(folder) / "units")
        if cell.case.parts:
            command += ["--counters", str(counters.path), "--unit", str(setting.unit)]
            command += ["--nice", str(cell.case.nice), "--beside", *cell.case.parts]
        name = f"the {cell.loop.label} server"
        with LineProcess(command, setting.cores.server, name) as server:
            ready = server.read(START_SECONDS)
            ways[cell.key] = ready.get("beside", [])
            load = Load(server, int(ready["port"]), cell.connections, SIZE, setting.cores)
            with load:
                if cell.case.parts:
                    return _measure_beside(load, setting, counters)
                return _measure_alone(load, server.pid, setting)


def _echo(figures: dict[str, float]) -> dict[str, float]:
    names = ("p50_us", "p99_us", "p999_us")
    rate = figures["requests"] / figures["elapsed"]
    return {"requests_per_s": rate, **{name: figures[name] for name in names}}


def _measure_alone(load: Load, pid: int, setting: Setting) -> dict[str, float]:
    load.phase(WARM_UP, rate=setting.rate)
    settle(pid)
    before = cpu_seconds(pid), cpu_seconds(load.pid)
    figures = load.phase(setting.seconds, rate=setting.rate)
    settle(pid)
    used = cpu_seconds(pid) - before[0], cpu_seconds(load.pid) - before[1]
    server, client = (seconds / figures["requests"] * 1e6 for seconds in used)
    return {**_echo(figures), "cpu_us": server, "client_us": client}


def _measure_beside(load: Load, setting: Setting, counters: Counters) -> dict[str, float]:
    time.sleep(WARM_UP)
    with counters.rate() as alone:
        time.sleep(setting.seconds)
    load.phase(WARM_UP, rate=setting.rate)
    with counters.rate() as beside:
        figures = load.phase(setting.seconds, rate=setting.rate)
    return {**_echo(figures), "alone_per_s": alone[0], "beside_per_s": beside[0]}


def connection_list(text: str) -> list[int]:
    """The type of `--connections` for argparse."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is to be numbers of 1 or more: 1,20")
    return found


def add_arguments(parser: argparse.ArgumentParser, seconds: float) -> None:
    """Adds the options that both commands have.

    Args:
        parser: the command's parser.
        seconds: the default length of a measured window.
    """
    parser.add_argument(
        "--connections",
        type=connection_list,
        default=[1, 20],
        metavar="N,N",
        help="one request in flight on each (1,20)",
    )
    parser.add_argument(
        "--seconds", type=float, default=seconds, help=f"of each measured window ({seconds:g})"
    )


def measure_cases(
    command: str, cases: Sequence[Case], options: argparse.Namespace, *, one_core: bool, rate: int
) -> Result:
    """Measures cases on all loops, with each number of connections, in interleaved rounds.

    Within a round the loops follow one another for each case, so that what is compared between
    loops was measured at neighbouring times.

    Args:
        command: the command's name.
        cases: what runs beside the echo.
        options: the command's options.
        one_core: True to have server and client on the same core.
        rate: requests per second by the clock, or 0.

    Returns:
        The result.
    """
    loops, versions = select_loops(options)
    cores = choose_cores()
    if one_core:
        cores = Cores(cores.server, cores.server)
    setting = Setting(cores, options.seconds, calibrate(cores.server), rate)
    cells = [
        Cell(case, loop, connections)
        for connections in options.connections
        for case in cases
        for loop in loops
    ]
    ways: dict[str, list[str]] = {}
    values = interleave(
        options.rounds, cells, lambda cell: measure_cell(cell, setting, ways), lambda cell: cell.key
    )
    return {
        "command": command,
        "cases": [case.name for case in cases],
        "connections": options.connections,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "rate": rate,
        "one_core": one_core,
        "pinned": cores.server is not None,
        "unit": setting.unit,
        "versions": versions,
        "ways": ways,
        "values": values,
    }


def select_cases(text: str, cases: Sequence[Case]) -> list[Case]:
    """Reads a comma-separated list of cases.

    Args:
        text: names, or nothing for all cases.
        cases: those that there are.

    Returns:
        The cases in their order, with the one that has nothing beside the echo.

    Raises:
        SystemExit: there is no case of a name.
    """
    names = list(filter(None, (name.strip() for name in text.split(","))))
    known = [case.name for case in cases]
    for name in names:
        if name not in known:
            raise SystemExit(f"{name!r} is no case: choose from {', '.join(known)}")
    return [case for case in cases if not names or case.name in names or case == NOTHING]
