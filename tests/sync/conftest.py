"""The primitives: asyncio's on asyncio's loop, as the control, and ours on either loop."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import mainspring
from mainspring import sync
from tests.core.fakes import Bench

KINDS = {
    "asyncio": (asyncio.SelectorEventLoop, asyncio),
    "mainspring": (mainspring.new_event_loop, sync),
    "ours-on-asyncio": (asyncio.SelectorEventLoop, sync),
}

NAMES = ["Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore"]
NAMES += ["Queue", "LifoQueue", "PriorityQueue"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A loop, and the primitives to use on it."""
    new_loop, primitives = KINDS[request.param]
    loop = new_loop()
    yield SimpleNamespace(loop=loop, **{name: getattr(primitives, name) for name in NAMES})
    loop.close()


@pytest.fixture
def run(kind: Any) -> Any:
    return kind.loop.run_until_complete


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Our loop on a clock and a poller that stand still, and the record of what ran."""
    with Bench() as made:
        yield made
