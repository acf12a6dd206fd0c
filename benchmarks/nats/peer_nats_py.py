"""nats-py's own request and reply, for the benchmark.

python -m benchmarks.nats.peer_nats_py server|client URL BYTES LOOP
"""

import asyncio
import importlib
import sys

import nats
from nats.aio.msg import Msg

from benchmarks.rabbit.closed_loop import call_in_tasks, say, until_the_input_ends

SUBJECT = "benchmark.nats-py"
# Seconds; a request needs one.
PATIENCE = 60


async def echo(msg: Msg) -> None:
    """Answers with what it gets."""
    await msg.respond(msg.data)


async def main(role: str, url: str, size: int) -> None:
    """Serves until the input ends, or calls as it is told to."""
    connection = await nats.connect(url)
    if role == "server":
        await connection.subscribe(SUBJECT, "servers", cb=echo)
        await connection.flush()
        say(ready=True)
        await until_the_input_ends()
    else:
        body = b"x" * size
        await connection.request(SUBJECT, body, timeout=PATIENCE)
        say(ready=True)
        await call_in_tasks(lambda: connection.request(SUBJECT, body, timeout=PATIENCE))
    await connection.close()


if __name__ == "__main__":
    role, url, size, loop = sys.argv[1:]
    module, _, factory = loop.partition(":")
    make = getattr(importlib.import_module(module), factory)
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(main(role, url, int(size)))
