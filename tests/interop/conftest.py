"""What the hosts share: both loops for every test, coroutines as tests, and nothing left behind.

A test that is a coroutine runs in `asyncio.Runner`. Its loop's exception handler must have been
told of nothing, and when all of it has ended no fd may be open that wasn't before.
"""

import asyncio
import gc
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.net.support import open_files

from .programs import Program
from .servers import Postgres, Redis

LOOPS = {"asyncio": "asyncio:SelectorEventLoop", "mainspring": "mainspring:new_event_loop"}


@pytest.fixture(autouse=True)
def nothing_stays_open(nothing_hangs: None) -> Iterator[None]:
    """Comes before all other fixtures of a test, so it looks when they have ended."""
    before = open_files().items()
    yield
    gc.collect()
    assert open_files().items() - before == set()


@pytest.fixture(params=LOOPS, autouse=True)
def loop_spec(request: pytest.FixtureRequest) -> str:
    """MODULE:FACTORY of asyncio's loop, and of ours."""
    return LOOPS[request.param]


@pytest.fixture(autouse=True)
def loop_factory(loop_spec: str) -> Any:
    """What `loop_spec` names."""
    module, _, name = loop_spec.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine function."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    values = pyfuncitem.funcargs
    reported: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=values["loop_factory"]) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: reported.append(context))
        runner.run(test(**{name: values[name] for name in inspect.signature(test).parameters}))
    assert reported == []
    return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts a program with `python -m` or from a file; it is ended with the test."""
    programs: list[Program] = []

    def start_one(*arguments: Any, **options: Any) -> Program:
        programs.append(Program(*map(str, arguments), folder=tmp_path, **options))
        return programs[-1]

    yield start_one
    for program in programs:
        program.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test run's own."""
    with Postgres.started() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A Redis of the test run's own."""
    with Redis.started() as server:
        yield server
