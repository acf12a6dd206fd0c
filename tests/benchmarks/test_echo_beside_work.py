"""An echo server with work beside it, in its processes, and the load client's two ways to ask."""

import pytest

from benchmarks.beside import PARTS
from benchmarks.busy import NOTHING, Case, Cell, Setting, measure_cell
from benchmarks.loops import parse_loops
from benchmarks.proc import Cores
from benchmarks.processes import LineProcess
from benchmarks.servers import START_SECONDS, Load, python_server

ASYNCIO, MAINSPRING = parse_loops("asyncio,mainspring")
SETTING = Setting(Cores(None, None), seconds=0.1, unit=500)
ECHO = {"requests_per_s", "p50_us", "p99_us", "p999_us"}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_work_runs_beside_the_echo_and_says_how(part):
    ways = {}
    cell = Cell(Case("case", (part,)), MAINSPRING, 2)
    figures = measure_cell(cell, SETTING, ways)
    assert figures.keys() == ECHO | {"alone_per_s", "beside_per_s"}
    assert figures["requests_per_s"] > 0
    assert len(ways[cell.key]) == 1


def test_a_loop_without_idle_work_does_it_in_the_way_that_it_has():
    ways = {}
    parts = ("idle", "calls", "tasks")
    cell = Cell(Case("case", parts), ASYNCIO, 1)
    measure_cell(cell, SETTING, ways)
    assert ways[cell.key] == ["to_thread", "10,000 x call_soon", "1,000 tasks"]


def test_with_nothing_beside_it_a_request_costs_server_and_client_some_cpu():
    figures = measure_cell(Cell(NOTHING, ASYNCIO, 1), SETTING, {})
    assert figures.keys() == ECHO | {"cpu_us", "client_us"}


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("rate", [0, 2000])
def test_the_client_makes_as_many_requests_as_it_is_told(connections, rate):
    cores = Cores(None, None)
    with LineProcess(python_server(ASYNCIO, "protocol")) as server:
        port = server.read(START_SECONDS)["port"]
        with Load(server, port, connections, 100, cores) as load:
            assert [load.phase(count=50, rate=rate)["requests"] for _ in range(2)] == [50, 50]


def test_a_rate_bounds_the_requests_of_a_phase():
    cores = Cores(None, None)
    with LineProcess(python_server(ASYNCIO, "protocol")) as server:
        port = server.read(START_SECONDS)["port"]
        with Load(server, port, 2, 100, cores) as load:
            assert load.phase(seconds=0.1, rate=1000)["requests"] == 100
