"""A real PostgreSQL from green threads: blocking drivers under patching, SQLAlchemy both ways."""

from pathlib import Path

import pytest

from .programs import Program
from .servers import Postgres

BEGIN = """
import mainspring
mainspring.patch.all()

import sys
PORT = int(sys.argv[1])
"""

PG8000 = """
from pg8000.dbapi import connect
"""

# Written in C: it asks its wait callback whenever it would block.
PSYCOPG2 = """
import psycopg2.extensions, psycopg2.extras
from psycopg2 import connect
psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)
"""

BLOCKING_DRIVER = """
def ask(number):
    connection = connect(user="postgres", host="127.0.0.1", port=PORT)
    cursor = connection.cursor()
    # Each waits until all of them are there: one after another, none would end.
    order.append(number)
    meet.wait()
    cursor.execute("select pg_sleep(0.01), %s::int", (number,))
    found = cursor.fetchone()[1]
    connection.close()
    return found

import threading
order, meet = [], threading.Barrier(10)

def main():
    threads = [mainspring.spawn(ask, number) for number in range(10)]
    print("found", [thread.get() for thread in threads], len(order))

mainspring.run(main)
"""

SQLALCHEMY = """
import threading
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

where = f"postgres@127.0.0.1:{PORT}/postgres"
blocking = sqlalchemy.create_engine(f"postgresql+pg8000://{where}", pool_size=3, max_overflow=0)
asynchronous = create_async_engine(f"postgresql+asyncpg://{where}", connect_args={"ssl": False})

def ask(number):
    with blocking.connect() as connection:
        return connection.scalar(sqlalchemy.text("select :n"), {"n": str(number)})

async def ask_async(number):
    async with asynchronous.connect() as connection:
        query = sqlalchemy.text("select cast(:n as text)")
        return await connection.scalar(query, {"n": str(number)})

def main():
    threads = [mainspring.spawn(ask, number) for number in range(9)]
    threads += [mainspring.spawn(ask_async, number) for number in range(9, 12)]
    print("found", ",".join(thread.get() for thread in threads))
    mainspring.await_(asynchronous.dispose())
    blocking.dispose()

mainspring.run(main)
"""


# The programs choose their loop themselves.
@pytest.mark.parametrize("loop_spec", ["mainspring:new_event_loop"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PG8000 + BLOCKING_DRIVER, "found [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] 10"),
        (PSYCOPG2 + BLOCKING_DRIVER, "found [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] 10"),
        (SQLALCHEMY, "found 0,1,2,3,4,5,6,7,8,9,10,11"),
    ],
    ids=["pg8000", "psycopg2", "sqlalchemy"],
)
def test_green_threads_ask_at_the_same_time(
    text: str, found: str, postgres: Postgres, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(BEGIN + text)
    program = Program("program.py", str(postgres.port), folder=tmp_path)
    try:
        assert program.until("^found").string.strip() == found
        assert program.wait() == 0
    finally:
        program.kill()
