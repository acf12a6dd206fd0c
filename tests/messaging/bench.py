"""Clients and servers on a loop that is stepped, whose clock the test moves."""

import asyncio
from typing import Any

from mainspring.messaging import Client, Server, Target, get_transport
from mainspring.messaging.memory.transport import MemoryTransport
from tests.core.fakes import Bench

# Steps within which whatever can happen has happened.
ENOUGH = 200


class MessagingBench:
    """A loop on fakes, and transports of one broker on it."""

    def __init__(self, bench: Bench, url: str) -> None:
        self.bench = bench
        self.url = url
        self.loop = bench.loop
        self.clock = bench.clock

    def transport(self) -> MemoryTransport:
        """A transport that is started."""
        made = get_transport(self.url)
        assert isinstance(made, MemoryTransport)
        self._in_loop(made.start, self.loop)
        return made

    def client(self, transport: MemoryTransport | None = None, **settings: Any) -> Client:
        """A client of the topic."""
        return Client(transport or self.transport(), Target(topic="topic"), **settings)

    def server(
        self, *endpoints: object, transport: MemoryTransport | None = None, **settings: Any
    ) -> Server:
        """A server of the topic, which serves."""
        name = settings.pop("name", "server")
        target = Target(topic="topic", server=name)
        made = Server(transport or self.transport(), target, endpoints, **settings)
        self.finish(made.start)
        return made

    def begin(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls a function in the loop, lets happen what can, and returns what it returned."""
        result = self._in_loop(function, *args, **kwargs)
        self.settle()
        return result

    def finish(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls a function in the loop, and returns the result of the future that it returns."""
        return self.begin(function, *args, **kwargs).result()

    def settle(self) -> None:
        """Lets happen what can without any time passing."""
        for _ in range(ENOUGH):
            self.loop.step()

    def pass_time(self, seconds: float) -> None:
        """Moves the clock, and lets happen what happens then."""
        self.clock.advance(seconds)
        self.settle()

    def close(self) -> None:
        """Ends all tasks."""
        while tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.settle()

    def _in_loop(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        results: list[Any] = []
        self.loop.call_soon(lambda: results.append(function(*args, **kwargs)))
        for _ in range(ENOUGH):
            if results:
                return results[0]
            self.loop.step()
        raise AssertionError(f"{function!r} was not called")
