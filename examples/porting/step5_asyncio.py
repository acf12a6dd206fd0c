"""Step 5: the price service in coroutines only; it runs on asyncio's own loop, too.

    python step5_asyncio.py PORT BACKEND_PORT

`GET /price?item=apple`, `GET /total?items=apple,pear`, `GET /stats`. Prices come from a backend and
are kept until a background job hears that they have changed.
"""

import asyncio
import signal
import sys
from collections import defaultdict

from aiohttp import web

import mainspring


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
        self.locks = defaultdict(asyncio.Lock)
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

    async def get(self, item, patience):
        """Returns a price; those who want the same one wait for one question."""
        try:
            async with asyncio.timeout(patience), self.locks[item]:
                if item not in self.known:
                    self.known[item] = await self.ask(item)
                return self.known[item]
        except TimeoutError:
            raise Refused(504, f"no price of {item!r} in {patience} s") from None

    async def follow(self):
        """Forgets the prices that have changed: a background job."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(*self.backend)
                try:
                    writer.write(b"FOLLOW\n")
                    async for line in reader:
                        self.known.pop(line.decode().strip(), None)
                        self.changes += 1
                        writer.write(b"SEEN " + line)
                finally:
                    writer.close()
            except OSError as exc:
                print("the backend is gone:", exc, file=sys.stderr)
            await asyncio.sleep(1)

    async def price(self, query):
        """Handles `/price`."""
        item = argument(query, "item")
        return {"item": item, "price": await self.get(item, patience(query))}

    async def total(self, query):
        """Handles `/total`: asks for four prices at once."""
        items, limit = argument(query, "items").split(","), patience(query)
        room = asyncio.Semaphore(4)

        async def get(item):
            async with room:
                return await self.get(item, limit)

        return {"total": sum(await asyncio.gather(*map(get, items)))}

    async def stats(self, query):
        """Handles `/stats`."""
        return {"known": sorted(self.known), "changes": self.changes}

    async def handle(self, request):
        """Serves HTTP."""
        try:
            handler = self.routes.get(request.path)
            if handler is None:
                raise Refused(404, "no such page")
            return web.json_response(await handler(request.query))
        except Refused as exc:
            return web.json_response({"error": str(exc)}, status=exc.status)


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


async def main(port, backend_port):
    """Serves until SIGTERM, and answers what has been asked by then."""
    service = Prices(("127.0.0.1", backend_port))
    follower = asyncio.create_task(service.follow())
    application = web.Application()
    application.router.add_get("/{path:.*}", service.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print("listening on", runner.addresses[0][1], flush=True)
    await stopped.wait()
    await runner.cleanup()
    follower.cancel()


if __name__ == "__main__":
    mainspring.run(main(int(sys.argv[1]), int(sys.argv[2])))
