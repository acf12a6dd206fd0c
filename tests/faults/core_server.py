"""A server of the core in a process of its own, to be killed.

    python -m tests.faults.core_server URL TOPIC NAME early|late

It prints `ready`, then a line for each call of `work` that has begun; none of them ends. Those of
`slow` do, a thousand in a second.
"""

import asyncio
import sys

import mainspring
from mainspring.messaging import Server, Target, endpoint, get_transport


class Endpoint:
    """What is called."""

    async def work(self, n: int) -> int:
        """Says that it has begun."""
        print(f"got {n}", flush=True)
        await asyncio.get_running_loop().create_future()
        return n

    @endpoint(concurrency=5)
    async def slow(self, n: int, text: str) -> int:
        """Takes its time."""
        await asyncio.sleep(0.005)  # sleep-ok: what a slow handler is
        return n


async def main(url: str, topic: str, name: str, ack: str) -> None:
    """Serves until it is killed."""
    target = Target(topic=topic, server=name)
    transport = get_transport(url)
    async with Server(transport, target, [Endpoint()], ack="late" if ack == "late" else "early"):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    mainspring.run(main(*sys.argv[1:]))
