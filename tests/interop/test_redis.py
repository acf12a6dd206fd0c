"""redis.asyncio against a real Redis."""

import asyncio
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import WatchError

from .servers import Redis


@pytest.fixture
def url(redis_server: Redis, loop_spec: str) -> str:
    """Each loop has a database of its own."""
    return f"redis://127.0.0.1:{redis_server.port}/{int(loop_spec.startswith('mainspring'))}"


def dial(url: str, **options: Any) -> Any:
    return redis.asyncio.from_url(url, **options)


async def test_a_value_comes_back(url: str) -> None:
    value = bytes(range(256)) * 8192
    async with dial(url) as client:
        assert await client.set("value", value)
        assert await client.get("value") == value


async def test_many_commands_at_once_share_the_pool(url: str) -> None:
    async with dial(url, max_connections=50) as client:
        await client.delete("counter")
        values = await asyncio.gather(*[client.incr("counter") for _ in range(50)])
    assert sorted(values) == list(range(1, 51))


async def test_a_transaction_is_all_or_nothing(url: str) -> None:
    async with dial(url) as client, dial(url) as other:
        async with client.pipeline(transaction=True) as pipe:
            assert await pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, b"2"]
        async with client.pipeline(transaction=True) as pipe:
            await pipe.watch("a")
            pipe.multi()
            await other.set("a", 100)
            with pytest.raises(WatchError):
                await pipe.incr("a").execute()
        assert await client.get("a") == b"100"


async def test_what_is_published_is_received_in_order(url: str) -> None:
    async with dial(url) as client, client.pubsub() as subscription:
        await subscription.subscribe("news")
        messages = subscription.listen()
        assert (await anext(messages))["type"] == "subscribe"
        for i in range(100):
            await client.publish("news", i)
        assert [int((await anext(messages))["data"]) for _ in range(100)] == list(range(100))


async def test_waiting_for_an_item_ends_when_it_comes(url: str) -> None:
    async with dial(url) as client, dial(url) as other:
        waiting = asyncio.create_task(client.blpop(["queue"], timeout=0))
        while not await other.client_list(_type="normal") or waiting.done():
            await asyncio.sleep(0)
        await other.rpush("queue", "item")
        assert await waiting == (b"queue", b"item")


async def test_waiting_for_an_item_can_be_cancelled(url: str) -> None:
    async with dial(url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await client.blpop(["never"], timeout=0)
        assert await client.ping()


async def test_a_server_that_is_not_there_is_an_error() -> None:
    async with dial("redis://127.0.0.1:1") as client:
        with pytest.raises(redis.asyncio.ConnectionError):
            await client.ping()
