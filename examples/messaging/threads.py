"""A service and its client in OS threads; a loop in the background serves them, unseen.

python examples/messaging/threads.py
"""

import time

from mainspring.messaging import Client, Server, Target, get_transport


class Greeter:
    """The service: plain functions run in threads of the server's."""

    def greet(self, name: str) -> str:
        """Greets after a moment."""
        time.sleep(0.01)
        if not name:
            raise ValueError("nobody to greet")
        return f"hello {name}"


def main() -> None:
    """Serves, and calls."""
    transport = get_transport("memory://")
    server = Server(transport, Target(topic="greetings", server="one"), [Greeter()])
    client = Client(transport, Target(topic="greetings"))
    with server:
        print(client.call("greet", name="Ada").result())
        one, other = client.call("greet", name="Grace"), client.call("greet", name="Edsger")
        print(one.result(), "and", other.result(timeout=5))
        try:
            client.call("greet", name="").result()
        except ValueError as exc:
            print("an error:", exc)


main()
