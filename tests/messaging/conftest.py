"""A service on `memory://` and on `nats://`, on asyncio's loop and on ours.

And one on `memory://` with a clock that stands still.
"""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import mainspring
from mainspring.messaging import Client, Server, Target, get_transport
from tests.core.fakes import Bench
from tests.messaging.bench import MessagingBench
from tests.services.plugin import shared_nats  # noqa: F401 - what a conftest has is for its folder

LOOPS = {"asyncio": asyncio.SelectorEventLoop, "mainspring": mainspring.new_event_loop}

_names = itertools.count()


@pytest.fixture
def memory_url() -> str:
    """A broker in this process that no other test has."""
    return f"memory://test{next(_names)}"


@pytest.fixture(params=["memory", "nats"])
def url(request: pytest.FixtureRequest, memory_url: str) -> str:
    """A broker that no other test has: of each kind that keeps values as they are."""
    if request.param == "memory":
        return memory_url
    # The names of another exchange are others.
    return f"{request.getfixturevalue('shared_nats').url}/test{next(_names)}"


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine function on a new loop of either kind."""

    def run_it(main: Any, *args: Any) -> Any:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(main(*args))

    return run_it


@pytest.fixture
def serving(url: str, run: Any) -> Any:
    """Runs `main(client, server)` while an endpoint is served."""

    def serve(main: Any, endpoint: object, settings: Any = None, **server: Any) -> Any:
        async def whole() -> Any:
            transport = get_transport(url)
            client = Client(transport, Target(topic="topic"), **(settings or {}))
            target = Target(topic="topic", server="server")
            try:
                async with Server(transport, target, [endpoint], **server) as served:
                    return await main(client, served)
            finally:
                await transport.close()

        return run(whole)

    return serve


@pytest.fixture
def bench(memory_url: str) -> Iterator[MessagingBench]:
    """A transport on a loop whose clock stands still."""
    with Bench() as made:
        messaging = MessagingBench(made, memory_url)
        yield messaging
        messaging.close()
