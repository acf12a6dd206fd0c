"""The backend of the price service in each of its steps: it keeps the prices.

    python backend.py PORT

A line `apple 130` on the standard input changes a price. The protocol is lines: `PRICE apple` is
answered by the price; after `FOLLOW` each item that changes is sent, and answered by `SEEN apple`.
"""

import asyncio
import sys

import mainspring

PRICES = {"apple": 120, "pear": 80, "fig": 45}
followers = set()


async def serve(reader, writer):
    """Serves one connection."""
    try:
        async for line in reader:
            verb, _, item = line.decode().strip().partition(" ")
            if verb == "FOLLOW":
                followers.add(writer)
                print("a service follows", flush=True)
            elif verb == "SEEN":
                print("seen", item, flush=True)
            else:
                writer.write(f"{PRICES.get(item, 'unknown')}\n".encode())
                break
    finally:
        followers.discard(writer)
        writer.close()


def change(line):
    """Changes a price."""
    item, _, price = line.strip().partition(" ")
    PRICES[item] = int(price)
    for writer in followers:
        writer.write(f"{item}\n".encode())


async def main(port):
    """Serves until the input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            change(line)
    finally:
        server.close()
        for writer in followers:
            writer.close()


if __name__ == "__main__":
    mainspring.run(main(int(sys.argv[1])))
