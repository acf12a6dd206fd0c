"""An echo server, written against asyncio's own interface: nothing here is Mainspring's but `run`.

    python examples/echo_server.py --port 7000

It prints where it listens, sends back what it is sent, and ends at Ctrl-C or
SIGTERM after closing its connections.
"""

import argparse
import asyncio
import signal

import mainspring


class Echo(asyncio.Protocol):
    """Sends back what it receives, and stops reading from a peer that doesn't read in turn."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport.

        Args:
            transport: The connection.
        """
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Sends the bytes back.

        Args:
            data: What the peer sent.
        """
        self.transport.write(data)

    def pause_writing(self) -> None:
        """Stops reading: the peer has not taken what it was sent."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Reads again."""
        self.transport.resume_reading()


async def main() -> None:
    """Serves until a signal comes."""
    parser = argparse.ArgumentParser(description="An echo server on Mainspring.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (the default)")
    options = parser.parse_args()

    loop = asyncio.get_running_loop()
    finished = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, finished.set)
    server = await loop.create_server(Echo, options.host, options.port)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"listening on {host}:{port}", flush=True)
    await finished.wait()
    server.close()
    server.close_clients()
    await server.wait_closed()
    print("closed")


if __name__ == "__main__":
    mainspring.run(main())
