"""A server that computes in the time when nobody wants anything from it.

    python examples/background_work.py --requests 500

The work (counting the primes) is cut into small units, each queued with `call_idle`: the loop
runs one only when no socket is ready and no callback waits, and looks at the sockets before the
next. So a request waits for one unit at most, however much work is left. The program talks to
itself over a real socket, with a pause after each answer: a socket that is always ready would
leave no idle time at all. It prints what came of both, and ends.
"""

import argparse
import asyncio

import mainspring

UNIT = 200
PAUSE = 0.002


class PrimeCounter:
    """Counts the primes upwards from 2, a unit at a time.

    Args:
        loop: The loop whose idle time it uses.
    """

    def __init__(self, loop: mainspring.Loop) -> None:
        self.loop = loop
        self.candidate = 2
        self.found = 0
        self.units = 0
        self.handle = loop.call_idle(self.work)

    def work(self) -> None:
        """Does one unit, and queues itself behind whatever has become ready in the meantime."""
        for candidate in range(self.candidate, self.candidate + UNIT):
            if all(candidate % divisor for divisor in range(2, int(candidate**0.5) + 1)):
                self.found += 1
        self.candidate += UNIT
        self.units += 1
        self.handle = self.loop.call_idle(self.work)

    def stop(self) -> None:
        """Lets the rest of the work go."""
        self.handle.cancel()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each line with its length.

    Args:
        reader: Where the requests come from.
        writer: Where the answers go.
    """
    while line := await reader.readline():
        writer.write(b"%d\n" % len(line.rstrip()))
        await writer.drain()
    writer.close()


async def main() -> None:
    """Starts the work, makes the requests, and prints what was done."""
    parser = argparse.ArgumentParser(description="Work in a server's idle time.")
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()

    loop = asyncio.get_running_loop()
    assert isinstance(loop, mainspring.Loop)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    counter = PrimeCounter(loop)

    reader, writer = await asyncio.open_connection(host, port)
    slowest = 0.0
    for number in range(options.requests):
        asked = loop.time()
        writer.write(b"x" * (number % 50) + b"\n")
        assert int(await reader.readline()) == number % 50
        slowest = max(slowest, loop.time() - asked)
        await asyncio.sleep(PAUSE)
    counter.stop()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()

    print(f"{options.requests} requests answered, the slowest in {slowest * 1000:.2f} ms")
    print(f"{counter.found} primes below {counter.candidate}, in {counter.units} idle units")


if __name__ == "__main__":
    mainspring.run(main())
