"""A service and its client in generators, which wait for what they `yield from`.

python examples/messaging/generators.py
"""

import asyncio
from collections.abc import Generator
from typing import Any

import mainspring
from mainspring.messaging import Client, Server, Target, get_transport


class Greeter:
    """The service."""

    def greet(self, name: str) -> Generator[Any, Any, str]:
        """Greets after a moment."""
        yield from asyncio.ensure_future(asyncio.sleep(0.01))
        if not name:
            raise ValueError("nobody to greet")
        return f"hello {name}"


def main() -> Generator[Any, Any, None]:
    """Serves, and calls."""
    transport = get_transport("memory://")
    server = Server(transport, Target(topic="greetings", server="one"), [Greeter()])
    client = Client(transport, Target(topic="greetings"))
    yield from server.start()
    print((yield from client.call("greet", name="Ada")))
    one, other = client.call("greet", name="Grace"), client.call("greet", name="Edsger")
    print((yield from one), "and", (yield from other))
    try:
        yield from client.call("greet", name="")
    except ValueError as exc:
        print("an error:", exc)
    yield from server.stop()
    yield from asyncio.ensure_future(transport.close())


async def run() -> None:
    """Runs the generator as a task."""
    await mainspring.spawn(main)


mainspring.run(run)
