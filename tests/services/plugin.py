"""For a conftest to import: what tests with a broker share, the broker and tests as coroutines.

A test that is a coroutine runs on our loop. The loop's exception handler must have been told of
nothing, and no task may be left.
"""

import asyncio
import inspect
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import mainspring

from . import nats as nats_module
from . import rabbitmq as rabbitmq_module
from .nats import Nats
from .rabbitmq import RabbitMQ


@pytest.fixture(scope="package")
def shared_broker() -> Iterator[RabbitMQ]:
    """A RabbitMQ of the folder's, that no test breaks; skips where there is none."""
    if not rabbitmq_module.is_here():
        pytest.skip("there is no RabbitMQ here; `make services` fetches one")
    with RabbitMQ.running() as broker:
        yield broker


@pytest.fixture
def broker() -> Iterator[RabbitMQ]:
    """A RabbitMQ of the test's own, to be broken."""
    with RabbitMQ.running() as broker:
        yield broker


@pytest.fixture(scope="package")
def shared_nats() -> Iterator[Nats]:
    """A NATS of the folder's, that no test breaks; skips where there is none."""
    if not nats_module.is_here():
        pytest.skip("there is no NATS here; `make services` fetches one")
    with Nats.running() as server:
        yield server


@pytest.fixture
def nats() -> Iterator[Nats]:
    """A NATS of the test's own, to be broken."""
    if not nats_module.is_here():
        pytest.skip("there is no NATS here; `make services` fetches one")
    with Nats.running() as server:
        yield server


@pytest.fixture
def topic() -> str:
    """A topic that no other test has."""
    return f"topic-{uuid.uuid4().hex[:8]}"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine function."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    values = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}
    reported: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=mainspring.new_event_loop) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context))
        runner.run(test(**values))
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        assert left == []
    assert reported == []
    return True
