"""A service and its client in callbacks: nothing waits, everything is called.

python examples/messaging/callbacks.py
"""

import asyncio
from typing import Any

import mainspring
from mainspring.messaging import Client, Reply, Server, Target, endpoint, get_transport


class Greeter:
    """The service: it answers later, by the future that it returns."""

    @endpoint(run="loop")
    def greet(self, name: str) -> asyncio.Future[str]:
        """Greets after a moment."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        loop.call_later(0.01, self.answer, answer, name)
        return answer

    def answer(self, answer: asyncio.Future[str], name: str) -> None:
        """Ends what `greet` began."""
        if answer.cancelled():
            return
        if not name:
            answer.set_exception(ValueError("nobody to greet"))
        else:
            answer.set_result(f"hello {name}")


class Conversation:
    """The client: each step begins the next.

    Args:
        loop: The loop, which is stopped at the end.
    """

    def __init__(self, loop: mainspring.Loop) -> None:
        self.loop = loop
        self.transport = get_transport("memory://")
        self.server = Server(self.transport, Target(topic="greetings", server="one"), [Greeter()])
        self.client = Client(self.transport, Target(topic="greetings"))
        self.pair: list[Reply[Any]] = []

    def begin(self) -> None:
        """Starts the server."""
        self.server.start().add_done_callback(self.on_started)

    def on_started(self, _: object) -> None:
        """Makes the first call."""
        self.client.call("greet", name="Ada").add_done_callback(self.on_first)

    def on_first(self, reply: Reply[Any]) -> None:
        """Makes two at once."""
        print(reply.result())
        for name in ("Grace", "Edsger"):
            self.pair.append(self.client.call("greet", name=name))
            self.pair[-1].add_done_callback(self.on_one_of_two)

    def on_one_of_two(self, _: object) -> None:
        """Makes the last one, once both are there."""
        if all(reply.done() for reply in self.pair) and len(self.pair) == 2:
            one, other = self.pair
            self.pair = []
            print(one.result(), "and", other.result())
            self.client.call("greet", name="").add_done_callback(self.on_last)

    def on_last(self, reply: Reply[Any]) -> None:
        """Stops the server."""
        print("an error:", reply.exception())
        self.server.stop().add_done_callback(lambda _: self.loop.stop())


def main() -> None:
    """Runs the loop until the conversation is over."""
    loop = mainspring.new_event_loop()
    conversation = Conversation(loop)
    loop.call_soon(conversation.begin)
    loop.run_forever()
    loop.run_until_complete(conversation.transport.close())
    loop.close()


main()
