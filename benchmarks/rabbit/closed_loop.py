"""What the clients of every peer have in common: so many calls, so many of them at a time.

It imports nothing but the standard library: the peer for oslo.messaging runs in an environment
that has nothing of ours.
"""

import asyncio
import json
import sys
import threading
import time


def say(**what):
    """Prints a line for the runner."""
    print(json.dumps(what), flush=True)


def orders():
    """Yields what the runner asks for: a number of calls, and how many are in flight."""
    for line in sys.stdin:
        calls, in_flight = map(int, line.split())
        yield calls, in_flight


def answer(seconds, latencies):
    """Tells the runner how it went."""
    latencies.sort()
    middle = latencies[len(latencies) // 2] * 1000
    tail = latencies[len(latencies) * 99 // 100] * 1000
    say(seconds=seconds, calls=len(latencies), p50_ms=middle, p99_ms=tail)


async def call_in_tasks(call):
    """Obeys orders with a coroutine function, until the input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        calls, in_flight = map(int, line.split())
        latencies = []
        left = calls

        async def caller(latencies=latencies):
            nonlocal left
            while left > 0:
                left -= 1
                start = time.perf_counter()
                await call()
                latencies.append(time.perf_counter() - start)

        start = time.perf_counter()
        await asyncio.gather(*[caller() for _ in range(in_flight)])
        answer(time.perf_counter() - start, latencies)


def call_in_threads(call):
    """Obeys orders with a blocking function, until the input ends."""
    for calls, in_flight in orders():
        latencies = []

        def caller(count, latencies=latencies):
            for _ in range(count):
                start = time.perf_counter()
                call()
                latencies.append(time.perf_counter() - start)

        threads = [
            threading.Thread(target=caller, args=(calls // in_flight,)) for _ in range(in_flight)
        ]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answer(time.perf_counter() - start, latencies)


async def until_the_input_ends():
    """Waits as a server does."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        pass
