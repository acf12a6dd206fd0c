"""aio-pika's RPC pattern, for the benchmark.

python -m benchmarks.rabbit.peer_aio_pika server|client URL BYTES LOOP
"""

import asyncio
import importlib
import sys

import aio_pika
from aio_pika.patterns import RPC

from benchmarks.rabbit.closed_loop import call_in_tasks, say, until_the_input_ends


async def echo(*, value: str) -> str:
    """Returns what it gets."""
    return value


async def main(role: str, url: str, size: int) -> None:
    """Serves until the input ends, or calls as it is told to."""
    connection = await aio_pika.connect_robust(url)
    async with connection:
        rpc = await RPC.create(await connection.channel())
        if role == "server":
            await rpc.register("benchmark.echo", echo, auto_delete=True)
            say(ready=True)
            await until_the_input_ends()
            return
        arguments = {"value": "x" * size}
        await rpc.call("benchmark.echo", arguments)
        say(ready=True)
        await call_in_tasks(lambda: rpc.call("benchmark.echo", arguments))


if __name__ == "__main__":
    role, url, size, loop = sys.argv[1:]
    module, _, factory = loop.partition(":")
    make = getattr(importlib.import_module(module), factory)
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(main(role, url.replace("rabbit://", "amqp://"), int(size)))
