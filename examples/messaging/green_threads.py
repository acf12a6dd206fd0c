"""A service and its client in green threads: plain functions that wait as if they blocked.

python examples/messaging/green_threads.py
"""

import mainspring
from mainspring import await_, sleep
from mainspring.messaging import Client, Server, Target, endpoint, get_transport


class Greeter:
    """The service."""

    @endpoint(run="green")
    def greet(self, name: str) -> str:
        """Greets after a moment."""
        sleep(0.01)
        if not name:
            raise ValueError("nobody to greet")
        return f"hello {name}"


def main() -> None:
    """Serves, and calls."""
    transport = get_transport("memory://")
    server = Server(transport, Target(topic="greetings", server="one"), [Greeter()])
    client = Client(transport, Target(topic="greetings"))
    await_(server.start())
    print(await_(client.call("greet", name="Ada")))
    # Both are under way before the first is waited for.
    one, other = client.call("greet", name="Grace"), client.call("greet", name="Edsger")
    print(await_(one), "and", await_(other))
    try:
        await_(client.call("greet", name=""))
    except ValueError as exc:
        print("an error:", exc)
    await_(server.stop())
    await_(transport.close())


mainspring.run(main)
