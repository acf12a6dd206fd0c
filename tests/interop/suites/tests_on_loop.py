"""A pytest plugin: gives a suite the loop that $LOOP names, and records what became of its tests.

The loop comes wherever asyncio makes one itself: `new_event_loop`, `Runner`, `run`, the policy, and
the classes' names. What a suite has imported before that it keeps, so this is loaded early (-p).
Each test is a line of $OUTCOMES as soon as it is over; with $ONLY, a file of ids, no others run.
"""

import asyncio
import importlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from mainspring.cli.run import install


def put_in_place(spec: str) -> None:
    """Makes asyncio's names give loops of this MODULE:FACTORY."""
    module, _, name = spec.partition(":")
    factory = getattr(importlib.import_module(module), name)
    install(factory)
    for class_name in ("SelectorEventLoop", "EventLoop"):
        if hasattr(asyncio, class_name):
            setattr(asyncio, class_name, factory)


def let_popen_block() -> None:
    """Tells blockbuster that starting a child reads a pipe, where our loop does it too.

    That is `subprocess.Popen`, which waits for the child's `exec`; blockbuster exempts asyncio's
    call of it, by the name of asyncio's file.
    """
    if importlib.util.find_spec("blockbuster") is None:
        return
    blockbuster: Any = importlib.import_module("blockbuster").BlockBuster
    make = blockbuster.__init__

    def make_with_ours(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.functions["os.read"].can_block_in(
            "mainspring/process/transport.py", {"start_subprocess"}
        )

    blockbuster.__init__ = make_with_ours


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leaves the tests that $ONLY names."""
    if "ONLY" not in os.environ:
        return
    wanted = set(json.loads(Path(os.environ["ONLY"]).read_text()))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = [item for item in items if item.nodeid in wanted]


def pytest_runtest_logreport(report: Any) -> None:
    """Writes one line for each phase of a test that says something."""
    if report.when == "call" or report.outcome != "passed":
        with open(os.environ["OUTCOMES"], "a") as file:
            file.write(json.dumps([report.nodeid, report.outcome]) + "\n")


put_in_place(os.environ["LOOP"])
let_popen_block()
