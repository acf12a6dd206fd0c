"""asyncpg against a real PostgreSQL."""

import asyncio
from typing import Any

import asyncpg
import pytest

from .servers import Postgres


@pytest.fixture
def where(postgres: Postgres) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": postgres.port, "user": "postgres", "ssl": "disable"}


async def test_values_come_back(where: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**where)
    query = "select $1::int as i, $2::text as t, $3::bytea as b"
    row = await connection.fetchrow(query, 1, "é", b"\0")
    assert dict(row) == {"i": 1, "t": "é", "b": b"\0"}
    await connection.close()


async def test_a_large_value_goes_both_ways(where: dict[str, Any]) -> None:
    value = bytes(range(256)) * 16384
    connection = await asyncpg.connect(**where)
    assert await connection.fetchval("select $1::bytea", value) == value
    await connection.close()


async def test_a_transaction_that_fails_leaves_nothing(where: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**where)
    await connection.execute("create temp table t (i int primary key)")
    async with connection.transaction():
        await connection.execute("insert into t values (1)")
    with pytest.raises(asyncpg.UniqueViolationError):  # noqa: PT012
        async with connection.transaction():
            await connection.execute("insert into t values (2)")
            await connection.execute("insert into t values (1)")
    assert await connection.fetch("select i from t") == [(1,)]
    await connection.close()


async def test_rows_are_copied_in_and_out(where: dict[str, Any]) -> None:
    async def keep(data: bytes) -> None:
        copied.append(data)

    copied: list[bytes] = []
    connection = await asyncpg.connect(**where)
    await connection.execute("create temp table t (i int, s text)")
    rows = [(i, "x" * (i % 50)) for i in range(10_000)]
    assert await connection.copy_records_to_table("t", records=rows) == "COPY 10000"
    await connection.copy_from_query("select * from t order by i", output=keep, format="csv")
    assert b"".join(copied).decode().splitlines() == [f"{i},{s or '""'}" for i, s in rows]
    await connection.close()


async def test_a_cursor_walks_through_rows(where: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**where)
    async with connection.transaction():
        rows = connection.cursor("select generate_series(1, 1000) as i", prefetch=7)
        assert [row["i"] async for row in rows] == list(range(1, 1001))
    await connection.close()


async def test_a_pool_serves_many_at_once(where: dict[str, Any]) -> None:
    async with asyncpg.create_pool(**where, min_size=2, max_size=5) as pool:
        queries = [pool.fetchval("select $1::int", i) for i in range(100)]
        assert await asyncio.gather(*queries) == list(range(100))


async def test_a_notification_is_received(where: dict[str, Any]) -> None:
    def note(*arguments: Any) -> None:
        received.set_result(arguments[-1])

    received: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = await asyncpg.connect(**where)
    await listening.add_listener("news", note)
    speaking = await asyncpg.connect(**where)
    await speaking.execute("notify news, 'hello'")
    assert await received == "hello"
    await speaking.close()
    await listening.close()


async def test_a_query_that_is_cancelled_ends_in_the_server_too(where: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**where)
    with pytest.raises(TimeoutError):
        await connection.execute("select pg_sleep(600)", timeout=0.05)
    # Cancelling goes over a connection of its own; only then is this one free.
    assert await connection.fetchval("select 42") == 42
    await connection.close()


async def test_a_connection_that_the_server_ends_is_an_error(where: dict[str, Any]) -> None:
    connection, other = await asyncpg.connect(**where), await asyncpg.connect(**where)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    connection.add_termination_listener(lambda _: ended.set_result(None))
    await other.execute("select pg_terminate_backend($1)", connection.get_server_pid())
    await ended
    assert connection.is_closed()
    with pytest.raises(asyncpg.InterfaceError):
        await connection.execute("select 1")
    await other.close()
