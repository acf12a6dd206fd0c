"""A server that computes with one plain function, and answers as if it did nothing else.

    python examples/idle_function.py --work idle
    python examples/idle_function.py --work task

The work (counting the primes) is an ordinary loop in an ordinary function: nothing in it knows of
the server. With `--work idle` it runs in the loop's idle thread, which has the interpreter only
while the loop sleeps and gives it back as soon as a request comes in. The others are there to be
compared: `thread` runs it with `asyncio.to_thread`, `task` in a task that yields after every unit,
`none` leaves it out; `--loop asyncio` takes asyncio's own loop, which has no idle thread. The
program talks to itself over a real socket, with a pause after each answer, prints what came of
both, and ends.
"""

import argparse
import asyncio
import time

import mainspring

UNIT = 200
PAUSE = 0.002


class PrimeCounter:
    """Counts the primes upwards from 2 until it is told to stop."""

    def __init__(self) -> None:
        self.candidate = 2
        self.found = 0
        self.stopped = False

    def count(self) -> int:
        """Counts in one go, and returns how many there were."""
        while not self.stopped:
            self.count_unit()
        return self.found

    async def count_in_units(self) -> int:
        """Counts, and lets the loop do something else after each unit."""
        while not self.stopped:
            self.count_unit()
            await asyncio.sleep(0)
        return self.found

    def count_unit(self) -> None:
        """Looks at the next candidates."""
        for candidate in range(self.candidate, self.candidate + UNIT):
            if all(candidate % divisor for divisor in range(2, int(candidate**0.5) + 1)):
                self.found += 1
        self.candidate += UNIT


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


def start(work: str, counter: PrimeCounter) -> "asyncio.Future[int] | None":
    """Starts the work on the running loop.

    Args:
        work: How: "idle", "thread", "task" or "none".
        counter: What to do.

    Returns:
        A future of its result.
    """
    loop = asyncio.get_running_loop()
    if work == "idle":
        assert isinstance(loop, mainspring.Loop)
        return loop.run_idle(counter.count)
    if work == "thread":
        return loop.create_task(asyncio.to_thread(counter.count))
    if work == "task":
        return loop.create_task(counter.count_in_units())
    return None


async def main(work: str, requests: int) -> None:
    """Starts the work, makes the requests, and prints what was done.

    Args:
        work: What runs beside them; see `start`.
        requests: How many.
    """
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(host, port)
    counter = PrimeCounter()
    began = time.perf_counter()
    result = start(work, counter)

    latencies = []
    for number in range(requests):
        asked = time.perf_counter()
        writer.write(b"x" * (number % 50) + b"\n")
        assert int(await reader.readline()) == number % 50
        latencies.append(time.perf_counter() - asked)
        await asyncio.sleep(PAUSE)
    counter.stopped = True
    found = await result if result is not None else 0
    seconds = time.perf_counter() - began

    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()

    latencies.sort()
    median, late = (latencies[int(share * requests)] * 1000 for share in (0.5, 0.99))
    print(f"{requests} requests answered: median {median:.2f} ms, 99th percentile {late:.2f} ms")
    print(f"{found} primes below {counter.candidate} beside them, in {seconds:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A busy function beside a server.")
    parser.add_argument("--work", choices=["idle", "thread", "task", "none"], default="idle")
    parser.add_argument("--loop", choices=["mainspring", "asyncio"], default="mainspring")
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    if (options.work, options.loop) == ("idle", "asyncio"):
        parser.error("asyncio's own loop has no idle thread: take another --work")
    program = main(options.work, options.requests)
    if options.loop == "asyncio":
        asyncio.run(program)
    else:
        mainspring.run(program)
