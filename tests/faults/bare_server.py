"""A server in a process of its own, to be killed: says what it got, and answers when told to.

    python -m tests.faults.bare_server URL TOPIC NAME

It prints `ready`, then how many calls it has got; it neither acknowledges nor answers them.
"""

import asyncio
import sys

import mainspring
from mainspring.messaging.target import Target
from tests.services.bare import Worker, transport


async def main(url: str, topic: str, name: str) -> None:
    """Serves until the input ends."""
    async with transport(url) as over:
        worker = Worker(over)
        worker.acknowledges = worker.answers = False
        await over.serve(Target(topic=topic, server=name), worker, 100)
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        told = loop.run_in_executor(None, sys.stdin.readline)
        count = 0
        while not told.done():
            await worker.until(lambda: len(worker.seen) > count)  # noqa: B023
            count = len(worker.seen)
            print(f"got {count}", flush=True)


if __name__ == "__main__":
    mainspring.run(main(*sys.argv[1:]))
