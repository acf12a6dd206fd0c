"""A pytest plugin: gives eventlet's suite the hub that $LOOP names, and records its outcomes.

Eventlet itself reads $EVENTLET_HUB, in the tests' own programs too. A few tests ask for the kind of
hub; those that shun asyncio hubs for what asyncio's loops can't do are shown ours as another hub.
"""

import os
from typing import Any

import pytest
from suite_outcomes import pytest_collection_modifyitems as leave_wanted
from suite_outcomes import pytest_runtest_logreport

__all__ = ["pytest_runtest_logreport"]

# Eventlet's asyncio hub has one reader an fd; ours has many, as the hubs of its own have.
NOT_AN_ASYNCIO_HUB = {
    "tests/greenio_test.py::TestGreenIoLong::test_multiple_readers",
    "tests/hub_test.py::TestMultipleListenersCleanup::test_cleanup",
}

os.environ["EVENTLET_HUB"] = os.environ["LOOP"]


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leaves the tests that $ONLY names, and has those run that are skipped for asyncio hubs."""
    leave_wanted(config, items)
    for item in items:
        if item.nodeid in NOT_AN_ASYNCIO_HUB:
            for node in item.listchain():
                node.own_markers = [mark for mark in node.own_markers if mark.name != "skipif"]


@pytest.fixture(autouse=True)
def hub_as_the_test_sees_it(request: Any, monkeypatch: Any) -> None:
    """Hides from a few tests that our hub is an asyncio hub."""
    if request.node.nodeid in NOT_AN_ASYNCIO_HUB:
        monkeypatch.setattr("eventlet.hubs.asyncio.Hub", type("Hub", (), {}))
