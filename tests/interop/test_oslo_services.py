"""Our clients, servers, notifiers and listeners with the real oslo.messaging, over RabbitMQ."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mainspring.green.background import background_loop
from mainspring.messaging import (
    Client,
    Listener,
    NotificationResult,
    Notifier,
    RemoteError,
    Server,
    Target,
    Transport,
    context,
    expected_exceptions,
    get_context,
    get_transport,
)
from tests.services.oslo import RELEASES, Oslo, OsloError
from tests.services.rabbitmq import RabbitMQ

from .test_oslo_messaging import Orders


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ of these tests' own."""
    # Stays for as long as the process does, so it isn't what a test leaves behind.
    background_loop()
    with RabbitMQ.running() as server:
        yield server


@pytest.fixture(params=sorted(RELEASES))
def release(request: pytest.FixtureRequest) -> str:
    """A release of oslo.messaging."""
    return str(request.param)


@pytest.fixture
def topic() -> str:
    """A topic that no other test has."""
    return f"topic-{uuid.uuid4().hex[:8]}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Transport]:
    """A transport that is closed with the block."""
    transport = get_transport(url)
    try:
        yield transport
    finally:
        await transport.close()


class Odd(Exception):
    """An error that the caller can't import."""


class Endpoint:
    """What the real library calls."""

    target = Target(namespace="space", version="1.2")

    async def echo(self, value: Any) -> Any:
        return value

    def plain(self, value: Any) -> Any:
        return [value, dict(get_context())]

    async def fail(self, message: str) -> None:
        raise ValueError(message)

    @expected_exceptions(KeyError)
    async def fail_as_expected(self, key: str) -> None:
        raise KeyError(key)

    async def fail_oddly(self) -> None:
        raise Odd("odd") from OSError("deep")

    async def nothing_to_encode(self) -> object:
        return object()

    async def slow(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def _hidden(self) -> None: ...


async def test_a_server_of_ours_answers_the_real_client(
    rabbitmq: RabbitMQ, release: str, tmp_path: Path, topic: str
) -> None:
    async with (
        opened(rabbitmq.url) as transport,
        Server(transport, Target(topic=topic, server="one"), [Endpoint()]),
        Orders(release, rabbitmq.url, tmp_path / "log") as order,
    ):
        target = {"namespace": "space", "version": "1.1"}

        async def call(method: str, **args: Any) -> Any:
            return await order(
                "call", topic=topic, method=method, args=args, target=target, ctxt={"user": "bob"}
            )

        assert await call("echo", value=[1, "é"]) == [1, "é"]
        assert await call("plain", value=1) == [1, {"user": "bob"}]
        errors: dict[str, tuple[str, str | None]] = {}
        for method, args in {
            "fail": {"message": "bad"},
            "fail_as_expected": {"key": "k"},
            "fail_oddly": {},
            "nothing_to_encode": {},
            "missing": {},
            "_hidden": {},
        }.items():
            with pytest.raises(OsloError) as caught:
                await call(method, **args)
            errors[method] = (caught.value.type, caught.value.exc_type)
        assert errors["fail"] == ("ValueError", None)
        assert errors["fail_as_expected"] == ("KeyError", None)
        assert errors["fail_oddly"] == ("RemoteError", "Odd")
        assert errors["missing"] == errors["_hidden"] == ("RemoteError", "NoSuchMethod")
        # The real library would have let its caller wait.
        assert "Error" in errors["nothing_to_encode"][0]
        target["version"] = "2.0"
        with pytest.raises(OsloError) as caught:
            await call("echo", value=1)
        assert caught.value.exc_type == "UnsupportedVersion"


async def test_a_slow_handler_of_ours_keeps_a_monitored_call_of_the_real_client_alive(
    rabbitmq: RabbitMQ, release: str, tmp_path: Path, topic: str
) -> None:
    async with (
        opened(rabbitmq.url) as transport,
        Server(transport, Target(topic=topic, server="one"), [Endpoint()]),
        Orders(release, rabbitmq.url, tmp_path / "log") as order,
    ):
        target = {"namespace": "space", "version": "1.1"}
        args = {"seconds": 4}
        assert (
            await order("call", topic=topic, method="slow", args=args, target=target, monitor=2)
            == 4
        )


async def test_a_client_of_ours_calls_the_real_server(
    rabbitmq: RabbitMQ, release: str, tmp_path: Path, topic: str
) -> None:
    async with (
        opened(rabbitmq.url) as transport,
        Orders(release, rabbitmq.url, tmp_path / "log") as order,
    ):
        await order("serve", topic=topic, server="one")
        client = Client(transport, Target(topic=topic), timeout=20)
        assert await client.call("echo", value={"é": [None, 1.5]}) == {"é": [None, 1.5]}
        with context(user="bob"):
            assert (await client.call("context"))["user"] == "bob"
        with pytest.raises(ValueError, match="bad"):
            await client.call("fail", message="bad")
        with pytest.raises(KeyError):
            await client.call("fail_as_expected", key="k")
        with pytest.raises(RemoteError) as caught:
            await client.call("fail_worse", message="worse")
        assert caught.value.exc_type == "Worse"
        with pytest.raises((RemoteError, AttributeError), match="missing"):
            await client.call("missing")
        monitored = client.prepare(call_monitor_timeout=2)
        assert await monitored.call("slow", seconds=3) == 3
        await client.cast("note", value=1)
        await client.fanout("note", value=2)
        seen = await order("seen", count=3)
        assert sorted(item["value"] for item in seen if "value" in item) == [1, 2]


async def test_notifications_go_both_ways(
    rabbitmq: RabbitMQ, release: str, tmp_path: Path, topic: str
) -> None:
    heard: list[Any] = []
    enough = asyncio.Event()

    class Heard:
        async def info(
            self, publisher_id: str, event_type: str, payload: Any, metadata: Any
        ) -> Any:
            heard.append((publisher_id, event_type, payload))
            if len(heard) == 1:
                return NotificationResult.REQUEUE
            if len(heard) == 3:
                enough.set()
            return NotificationResult.HANDLED

    async with (
        opened(rabbitmq.url) as transport,
        Orders(release, rabbitmq.url, tmp_path / "log") as order,
        Listener(transport, [Target(topic=topic)], [Heard()], allow_requeue=True),
    ):
        for driver in ("messagingv2", "messaging"):
            await order(
                "notify",
                topic=topic,
                priority="info",
                event_type="made",
                payload={"id": 1},
                driver=driver,
            )
        async with asyncio.timeout(60):
            await enough.wait()
        assert heard == [("peer", "made", {"id": 1})] * 3
        await order("listen", topic=f"{topic}-back")
        notifier = Notifier(transport, "us", topics=[f"{topic}-back"])
        await notifier.warn("thing.lost", {"id": 2})
        (seen,) = await order("seen", count=1)
        assert (seen["priority"], seen["payload"]) == ("warn", {"id": 2})


def test_a_thread_without_a_loop_calls_the_real_server(
    rabbitmq: RabbitMQ, release: str, tmp_path: Path, topic: str, loop_spec: str
) -> None:
    if not loop_spec.startswith("mainspring"):
        pytest.skip("the loop in the background is ours")
    with Oslo.running(release, rabbitmq.url, tmp_path / "log") as oslo:
        oslo.order("serve", topic=topic, server="one")
        with Client(rabbitmq.url, Target(topic=topic), timeout=20) as client:
            assert client.call("echo", value=1).result() == 1
