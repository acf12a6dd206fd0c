"""Our client and server over RabbitMQ, for the benchmark.

python -m benchmarks.rabbit.peer_mainspring server|client URL BYTES
"""

import sys

import mainspring
from benchmarks.rabbit.closed_loop import call_in_tasks, say, until_the_input_ends
from mainspring.messaging import Client, Server, Target, get_transport

TARGET = Target(topic="benchmark", server="one")


class Endpoint:
    """What is called."""

    async def echo(self, value: str) -> str:
        """Returns what it gets."""
        return value


async def serve(url: str) -> None:
    """Serves until the input ends."""
    transport = get_transport(url)
    async with Server(transport, TARGET, [Endpoint()]):
        say(ready=True)
        await until_the_input_ends()
    await transport.close()


async def call(url: str, size: int) -> None:
    """Calls as it is told to."""
    transport = get_transport(url)
    client = Client(transport, Target(topic="benchmark"))
    value = "x" * size
    await client.call("echo", value=value)
    say(ready=True)
    await call_in_tasks(lambda: client.call("echo", value=value))
    await transport.close()


if __name__ == "__main__":
    role, url, size = sys.argv[1:]
    mainspring.run(serve(url) if role == "server" else call(url, int(size)))
