"""Fixtures of the loop's tests: what asyncio specifies runs on asyncio's own loop too."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import mainspring
from tests.core.fakes import Bench


@pytest.fixture(
    params=[asyncio.SelectorEventLoop, mainspring.new_event_loop], ids=["asyncio", "mainspring"]
)
def new_loop(request: pytest.FixtureRequest) -> Any:
    """A factory of loops: asyncio's own, as the control, and ours."""
    return request.param


@pytest.fixture
def loop(new_loop: Any) -> Iterator[Any]:
    """A loop of either kind."""
    made = new_loop()
    yield made
    made.close()


@pytest.fixture
def ours() -> Iterator[mainspring.Loop]:
    """Our loop, for what asyncio's doesn't have."""
    made = mainspring.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Our loop on a clock and a poller that stand still, and the record of what ran."""
    with Bench() as made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two non-blocking sockets that are connected to each other."""
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    with one, other:
        yield one, other
