"""Step 3: the price service on Mainspring's green threads; eventlet or gevent has left.

    python step3_green_threads.py PORT BACKEND_PORT

`GET /price?item=apple`, `GET /total?items=apple,pear`, `GET /stats`. Prices come from a backend and
are kept until a background job hears that they have changed.
"""

import mainspring.patch

mainspring.patch.all()

import asyncio
import json
import signal
import socket
import sys
from collections import defaultdict
from http import HTTPStatus
from urllib.parse import parse_qsl

import mainspring
from mainspring import await_, sync
from mainspring.green import Pool, Timeout, sleep, spawn
from mainspring.green.wsgi import WSGIServer


class Refused(Exception):
    """What a client is told instead of an answer."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Prices:
    """The service."""

    def __init__(self, backend):
        self.backend = backend
        self.known = {}
        self.changes = 0
        self.locks = defaultdict(sync.Lock)
        self.routes = {"/price": self.price, "/total": self.total, "/stats": self.stats}

    async def ask(self, item):
        """Asks the backend for a price."""
        reader, writer = await asyncio.open_connection(*self.backend)
        try:
            writer.write(f"PRICE {item}\n".encode())
            answer = (await reader.readline()).decode().strip()
        finally:
            writer.close()
        if not answer.isdigit():
            raise Refused(404, f"nobody sells {item!r}")
        return int(answer)

    def get(self, item, patience):
        """Returns a price; those who want the same one wait for one question."""
        try:
            with Timeout(patience), self.locks[item]:
                if item not in self.known:
                    self.known[item] = await_(self.ask(item))
                return self.known[item]
        except Timeout:
            raise Refused(504, f"no price of {item!r} in {patience} s") from None

    def follow(self):
        """Forgets the prices that have changed: a background job."""
        while True:
            try:
                with socket.create_connection(self.backend) as connection:
                    connection.sendall(b"FOLLOW\n")
                    for line in connection.makefile():
                        self.known.pop(line.strip(), None)
                        self.changes += 1
                        connection.sendall(b"SEEN " + line.encode())
            except OSError as exc:
                print("the backend is gone:", exc, file=sys.stderr)
            sleep(1)

    def price(self, query):
        """Handles `/price`."""
        item = argument(query, "item")
        return {"item": item, "price": self.get(item, patience(query))}

    def total(self, query):
        """Handles `/total`: asks for four prices at once."""
        items, limit = argument(query, "items").split(","), patience(query)
        pool = Pool(4)
        return {"total": sum(pool.imap(lambda item: self.get(item, limit), items))}

    def stats(self, query):
        """Handles `/stats`."""
        return {"known": sorted(self.known), "changes": self.changes}

    def application(self, environ, start_response):
        """Serves WSGI."""
        try:
            handler = self.routes.get(environ["PATH_INFO"])
            if handler is None:
                raise Refused(404, "no such page")
            status, answer = 200, handler(dict(parse_qsl(environ.get("QUERY_STRING", ""))))
        except Refused as exc:
            status, answer = exc.status, {"error": str(exc)}
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]


def argument(query, name):
    """Returns an argument of a request."""
    if name not in query:
        raise Refused(400, f"{name} is missing")
    return query[name]


def patience(query):
    """Returns how many seconds a client wants to wait."""
    try:
        return float(query.get("patience", "5"))
    except ValueError:
        raise Refused(400, "patience is a number of seconds") from None


def main(port, backend_port):
    """Serves until SIGTERM, and answers what has been asked by then."""
    service = Prices(("127.0.0.1", backend_port))
    follower = spawn(service.follow)
    server = WSGIServer(("127.0.0.1", port), service.application, spawn=1000, log=None)
    server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
    print("listening on", server.server_port, flush=True)
    server.serve_forever()
    follower.kill()


if __name__ == "__main__":
    mainspring.run(lambda: main(int(sys.argv[1]), int(sys.argv[2])))
