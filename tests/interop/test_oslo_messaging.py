"""The RabbitMQ transport and the real oslo.messaging, in every direction, on a real RabbitMQ.

The real library runs in a process of its own, in an environment of its own, once in its current
release and once in that of two years before.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring.messaging.messages import Failure, Notification, Trace, new_id
from mainspring.messaging.target import Target
from tests.services.bare import Call, Worker, request, sent, transport
from tests.services.oslo import RELEASES, Oslo, OsloError
from tests.services.rabbitmq import RabbitMQ

PROFILES = {
    "default": "",
    "gzip": "kombu_compression=gzip",
    "bzip2": "kombu_compression=bzip2",
    "durable": "amqp_durable_queues=true",
    "auto_delete": "amqp_auto_delete=true",
    "quorum": "rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true",
    "stream": (
        "rabbit_stream_fanout=true&rabbit_transient_quorum_queue=true&rabbit_qos_prefetch_count=10"
    ),
}


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ of the test run's own."""
    with RabbitMQ.running() as server:
        yield server


@pytest.fixture(params=sorted(RELEASES))
def release(request: pytest.FixtureRequest) -> str:
    """A release of oslo.messaging."""
    return str(request.param)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the real library's warnings go."""
    return tmp_path / "oslo.log"


@pytest.fixture
def topic() -> str:
    """A topic that no other test has."""
    return f"topic-{uuid.uuid4().hex[:8]}"


class Orders:
    """A process with the real library, from a coroutine."""

    def __init__(self, release: str, url: str, log: Path, exchange: str = "openstack") -> None:
        self._running = Oslo.running(release, url, log, exchange=exchange)

    async def __aenter__(self) -> "Orders":
        self.oslo = await asyncio.to_thread(self._running.__enter__)
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await asyncio.to_thread(self._running.__exit__, *exc)

    async def __call__(self, what: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(lambda: self.oslo.order(what, **arguments))


def answer(request: Any) -> Any:
    """Makes the results of our server: of a method for each thing that may happen."""
    if request.method == "echo":
        return request.args["value"]
    if request.method == "context":
        return dict(request.context)
    if request.method == "fail":
        raise ValueError(request.args["message"])
    raise LookupError(request.method)


@pytest.mark.parametrize("profile", PROFILES)
async def test_the_real_library_calls_our_server(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str, profile: str
) -> None:
    url = f"{rabbitmq.url}?control_exchange={topic}&{PROFILES[profile]}"
    theirs = f"{rabbitmq.url}?{PROFILES[profile]}"
    async with transport(url) as ours, Orders(release, theirs, log, topic) as order:
        worker = Worker(ours, answer)
        await ours.serve(Target(topic=topic, server="one"), worker, 10)
        value = {"é": [1, 2.5, None, True], "nested": {"a": ["b"]}}
        assert await order("call", topic=topic, method="echo", args={"value": value}) == value
        target = {"server": "one", "namespace": "space", "version": "1.1"}
        assert (
            await order("call", topic=topic, method="echo", args={"value": 1}, target=target) == 1
        )
        got = worker.seen[-1].target
        assert (got.namespace, got.version) == ("space", "1.1")
        context = {"user": "bob", "request_id": "req-1"}
        assert await order("call", topic=topic, method="context", ctxt=context) == context
        await order("cast", topic=topic, method="note", args={"value": 1})
        await order("cast", topic=topic, method="all", args={}, target={"fanout": True})
        await worker.until(lambda: {"note", "all"} <= {got.method for got in worker.seen})


async def test_the_real_library_gets_our_failures(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        await ours.serve(Target(topic=topic, server="one"), Worker(ours, answer), 10)
        with pytest.raises(OsloError, match="ValueError: bad") as caught:
            await order("call", topic=topic, method="fail", args={"message": "bad"})
        assert caught.value.type == "ValueError"


async def test_an_unknown_exception_of_ours_is_a_remote_error_with_its_name(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        worker = Worker(ours)
        worker.answers = False
        await ours.serve(Target(topic=topic, server="one"), worker, 10)
        calling = asyncio.create_task(order("call", topic=topic, method="m"))
        await worker.until(lambda: bool(worker.seen))
        response = worker.responses(worker.seen[0])
        cause = Failure("OSError", "builtins", "deep")
        response.failure = Failure("Odd", "app.errors", "text", (1,), {}, ("line\n",), cause)
        ours.respond(worker.seen[0], response)
        with pytest.raises(OsloError) as caught:
            await calling
        assert (caught.value.type, caught.value.exc_type) == ("RemoteError", "Odd")


async def test_our_signs_of_life_keep_a_monitored_call_of_the_real_library_alive(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        worker = Worker(ours)
        worker.answers = False
        await ours.serve(Target(topic=topic, server="one"), worker, 10)
        calling = asyncio.create_task(order("call", topic=topic, method="m", monitor=2))
        await worker.until(lambda: bool(worker.seen))
        got = worker.seen[0]
        assert got.monitor == 2
        for _ in range(4):
            sign = worker.responses(got)
            sign.ending = False
            ours.respond(got, sign)
            # Longer in all than the monitor's timeout: time is what this is about.
            await asyncio.sleep(1)
        worker.respond(got)
        assert await calling == {}


@pytest.mark.parametrize("profile", PROFILES)
async def test_we_call_a_server_of_the_real_library(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str, profile: str
) -> None:
    url = f"{rabbitmq.url}?control_exchange={topic}&{PROFILES[profile]}"
    theirs = f"{rabbitmq.url}?{PROFILES[profile]}"
    async with transport(url) as ours, Orders(release, theirs, log, topic) as order:
        await order("serve", topic=topic, server="one", namespace="space", version="1.2")
        anyone = Target(topic=topic, namespace="space", version="1.1")
        value = {"é": [1, 2.5, None, True]}
        assert await Call(ours, anyone, "echo", {"value": value}).result() == value
        one = anyone(server="one")
        assert await Call(ours, one, "name_of_server", {}).result() == "one"
        message = request(topic, "note", value=2)
        message.target = anyone(fanout=True)
        message.context = {"user": "bob"}
        assert await sent(ours, message) is None
        (seen,) = await order("seen", count=1)
        assert (seen["value"], seen["context"]["user"]) == (2, "bob")


async def test_what_we_add_to_a_call_does_not_disturb_the_real_library(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        await order("serve", topic=topic, server="one")
        deadline = asyncio.get_running_loop().time() + 30
        call = Call(
            ours,
            Target(topic=topic),
            "context",
            {},
            context={"user": "bob"},
            trace=Trace("00-1-2-01", "a=b"),
            headers={"shop": "north"},
            deadline=deadline,
            priority=-1,
        )
        context = await call.result()
        assert (context["user"], context["traceparent"]) == ("bob", "00-1-2-01")
        ours.cancel(call.request)
        again = Call(ours, Target(topic=topic), "echo", {"value": 1})
        assert await again.result() == 1


async def test_we_get_the_failures_of_the_real_library(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        await order("serve", topic=topic, server="one")
        cases: dict[str, tuple[dict[str, Any], str, str]] = {
            "fail": ({"message": "bad"}, "ValueError", "builtins"),
            "fail_worse": ({"message": "bad"}, "Worse", "__main__"),
            "fail_as_expected": ({"key": "k"}, "KeyError", "builtins"),
            "nothing": ({}, "NoSuchMethod", "oslo_messaging.rpc.dispatcher"),
        }
        for method, (args, name, module) in cases.items():
            failure = (await Call(ours, Target(topic=topic), method, args).response()).failure
            assert failure is not None
            assert (failure.name, failure.module) == (name, module)
            assert failure.traceback
        wrong = Call(ours, Target(topic=topic, version="9.0"), "echo", {"value": 1})
        failure = (await wrong.response()).failure
        assert failure is not None
        assert failure.name == "UnsupportedVersion"


async def test_the_real_library_keeps_a_monitored_call_of_ours_alive(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        await order("serve", topic=topic, server="one")
        call = Call(ours, Target(topic=topic), "slow", {"seconds": 3}, monitor=2)
        assert await call.result() == 3
        assert call.request.msg_id is not None
        assert call.caller.signs[call.request.msg_id] >= 2


@pytest.mark.parametrize("driver", ["messagingv2", "messaging"])
async def test_we_hear_the_notifications_of_the_real_library(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str, driver: str
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        worker = Worker(ours)
        bindings = [(Target(topic=topic), priority) for priority in ("info", "error")]
        await ours.listen(bindings, worker, 10)
        pooled = Worker(ours)
        await ours.listen(bindings, pooled, 10, f"pool-{topic}")
        for priority in ("info", "error"):
            await order(
                "notify",
                topic=topic,
                priority=priority,
                event_type="thing.made",
                payload={"id": 7},
                driver=driver,
            )
        for listener in (worker, pooled):
            await listener.until(lambda listener=listener: len(listener.seen) == 2)  # type: ignore[misc]
            assert sorted(got.priority for got in listener.seen) == ["error", "info"]
            got = listener.seen[0]
            assert (got.event_type, got.publisher_id) == ("thing.made", "peer")
            assert (got.payload, got.enveloped) == ({"id": 7}, driver == "messagingv2")


@pytest.mark.parametrize("enveloped", [True, False])
async def test_the_real_library_hears_our_notifications(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str, enveloped: bool
) -> None:
    async with transport(rabbitmq.url) as ours, Orders(release, rabbitmq.url, log) as order:
        # The first delivery is given back, and comes again.
        await order("listen", topic=topic, requeue=1)
        made = Notification(Target(topic=topic), "thing.made", "us", "warn", {"id": 7})
        made.message_id, made.unique_id = str(uuid.uuid4()), new_id()
        made.timestamp, made.enveloped = "2026-11-20 22:03:09.661344", enveloped
        made.context = {"user": "bob"}
        assert await sent(ours, made) is None
        for seen in await order("seen", count=2):
            assert (seen["priority"], seen["event_type"]) == ("warn", "thing.made")
            assert (seen["publisher_id"], seen["payload"]) == ("us", {"id": 7})
            assert seen["metadata"]["message_id"] == made.message_id


async def test_a_url_with_several_hosts_serves_both(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    place = f"guest:guest@127.0.0.1:{rabbitmq.port}"
    url = f"rabbit://guest:guest@127.0.0.1:1,{place}/"
    async with transport(url) as ours, Orders(release, url, log) as order:
        await ours.serve(Target(topic=topic, server="one"), Worker(ours, answer), 10)
        assert await order("call", topic=topic, method="echo", args={"value": 1}) == 1


async def test_ours_and_theirs_share_the_calls_to_a_topic(
    rabbitmq: RabbitMQ, release: str, log: Path, topic: str
) -> None:
    async with (
        transport(rabbitmq.url) as server,
        transport(rabbitmq.url) as client,
        Orders(release, rabbitmq.url, log) as order,
    ):
        await order("serve", topic=topic, server="theirs")
        worker = Worker(server, lambda request: "ours")
        await server.serve(Target(topic=topic, server="ours"), worker, 1)
        calls = [Call(client, Target(topic=topic), "name_of_server", {}) for _ in range(40)]
        results = [await call.result() for call in calls]
        assert sorted(set(results)) == ["ours", "theirs"]
