"""What the plugins of all suites share: which tests run, and what became of them.

Each test is a line of $OUTCOMES as soon as it is over; with $ONLY, a file of ids, no others run.
"""

import json
import os
from pathlib import Path
from typing import Any


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
