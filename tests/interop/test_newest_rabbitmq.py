"""The newest RabbitMQ: its defaults, and what becomes of the queues that it may refuse."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.messaging.target import Target
from tests.services.bare import Call, Worker, call, request, sent, transport
from tests.services.newest import NewestRabbitMQ
from tests.services.oslo import Oslo

QUICK = "kombu_reconnect_delay=0.1"


@pytest.fixture(scope="module")
def newest() -> Iterator[NewestRabbitMQ]:
    """A node with its own defaults."""
    with NewestRabbitMQ.running() as broker:
        yield broker


@pytest.fixture(scope="module")
def strict() -> Iterator[NewestRabbitMQ]:
    """A node that refuses queues which are neither durable nor exclusive."""
    with NewestRabbitMQ.running() as broker:
        broker.configure(deprecated_features__permit__transient_nonexcl_queues="false")
        broker.restart()
        yield broker


@pytest.mark.parametrize(
    "query",
    [
        "",
        "amqp_durable_queues=true",
        "rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true",
    ],
)
async def test_each_profile_works_with_its_defaults(
    newest: NewestRabbitMQ, loop_spec: str, query: str
) -> None:
    topic = f"{loop_spec.partition(':')[0]}-{query[:9]}"
    async with transport(f"{newest.url}?control_exchange={topic}&{query}") as both:
        worker = Worker(both)
        await both.serve(Target(topic=topic, server="one"), worker, 10)
        assert await call(both, topic, "echo", value=1) == {"value": 1}


async def test_where_transient_queues_are_refused_ours_are_durable(
    strict: NewestRabbitMQ, loop_spec: str
) -> None:
    topic = loop_spec.partition(":")[0]
    url = f"{strict.url}?{QUICK}"
    async with transport(url) as server, transport(url) as client:
        worker = Worker(server)
        await server.serve(Target(topic=topic, server="one"), worker, 10)
        assert await call(client, topic, "echo", value=1) == {"value": 1}
        one = Call(client, Target(topic=topic, server="one"), "echo", {"value": 2})
        assert await one.result() == {"value": 2}
        message = request(topic, "note")
        message.target = Target(topic=topic, fanout=True)
        assert await sent(client, message) is None
        await worker.until(lambda: len(worker.seen) == 3)


async def test_there_the_real_library_with_durable_queues_shares_topics_with_ours(
    strict: NewestRabbitMQ, loop_spec: str, tmp_path: Path
) -> None:
    topic = f"shared-{loop_spec.partition(':')[0]}"
    theirs = f"{strict.url}?rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true"
    ours = f"{theirs}&{QUICK}"
    async with transport(ours) as server:
        await server.serve(Target(topic=topic, server="one"), Worker(server), 10)
        with Oslo.running("current", theirs, tmp_path / "log") as oslo:
            oslo.send("call", topic=topic, method="echo", args={"value": 1})
            assert await asyncio.to_thread(oslo.answer) == {"value": 1}
