"""The backend of the price service, in threads of the tests, which decide when it answers."""

import socketserver
import threading
from collections import Counter

PATIENCE = 60


class Backend(socketserver.ThreadingTCPServer):
    """Answers the questions of a service.

    Attributes:
        prices: the price of each item.
        asked: how often each was asked for.
        gate: the questions for items whose names begin with "gate" are answered when so many are
            there.
        is_asked, release: the first says that somebody asks for "held", which is answered once the
            second is set.
        has_left: somebody who asked for "never" waits no longer.
        seen: an item whose change was told has been seen.
        ended: the service that followed has gone.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.prices = {"apple": 120, "pear": 80, "fig": 45, "held": 7}
        self.asked: Counter[str] = Counter()
        self.gate = threading.Barrier(1)
        self.is_asked, self.release = threading.Event(), threading.Event()
        self.has_left, self.ended = threading.Event(), threading.Event()
        self.follows, self.seen = threading.Event(), threading.Event()
        self.follower: Connection | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def change(self, item: str, price: int) -> None:
        """Changes a price, and waits until the service has seen it."""
        assert self.follows.wait(PATIENCE)
        self.prices[item] = price
        self.seen.clear()
        self.follower.wfile.write(f"{item}\n".encode())
        assert self.seen.wait(PATIENCE)


class Connection(socketserver.StreamRequestHandler):
    """One connection of the service's."""

    server: Backend

    def handle(self) -> None:
        verb, _, item = self.rfile.readline().decode().strip().partition(" ")
        if verb == "FOLLOW":
            self.follow()
        elif verb == "PRICE":
            self.server.asked[item] += 1
            self.answer(item)

    def follow(self) -> None:
        self.server.follower = self
        self.server.follows.set()
        for _ in self.rfile:
            self.server.seen.set()
        self.server.ended.set()

    def answer(self, item: str) -> None:
        price = self.server.prices.get(item, "unknown")
        if item.startswith("gate"):
            self.server.gate.wait(PATIENCE)
            price = 1
        elif item == "held":
            self.server.is_asked.set()
            self.server.release.wait(PATIENCE)
        elif item == "never" and price == "unknown":
            self.rfile.read()
            self.server.has_left.set()
            return
        self.wfile.write(f"{price}\n".encode())
