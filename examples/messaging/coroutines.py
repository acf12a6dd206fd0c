"""A service and its client in coroutines; beside this file, the same in four other models.

    python examples/messaging/coroutines.py

Each of the five prints the same three lines.
"""

import asyncio

import mainspring
from mainspring.messaging import Client, Server, Target, get_transport


class Greeter:
    """The service."""

    async def greet(self, name: str) -> str:
        """Greets after a moment."""
        await asyncio.sleep(0.01)
        if not name:
            raise ValueError("nobody to greet")
        return f"hello {name}"


async def main() -> None:
    """Serves, and calls."""
    transport = get_transport("memory://")
    server = Server(transport, Target(topic="greetings", server="one"), [Greeter()])
    client = Client(transport, Target(topic="greetings"))
    async with server:
        print(await client.call("greet", name="Ada"))
        one, other = await asyncio.gather(
            client.call("greet", name="Grace"), client.call("greet", name="Edsger")
        )
        print(one, "and", other)
        try:
            await client.call("greet", name="")
        except ValueError as exc:
            print("an error:", exc)
    await transport.close()


mainspring.run(main)
