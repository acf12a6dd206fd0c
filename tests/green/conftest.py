"""Fixtures of the green threads' tests: they run on asyncio's own loop as well as on ours."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import mainspring
from mainspring.green import green


@pytest.fixture(
    params=[asyncio.SelectorEventLoop, mainspring.new_event_loop], ids=["asyncio", "mainspring"]
)
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a coroutine function, or a plain one as a green thread, on a loop of either kind."""

    def run(main: Callable[[], Any], *, debug: bool = False) -> Any:
        with asyncio.Runner(loop_factory=request.param, debug=debug) as runner:
            return runner.run(main() if inspect.iscoroutinefunction(main) else green(main))

    return run
