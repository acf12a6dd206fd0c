"""What the tests of TLS share: contexts, and a peer of which every step is the test's.

The certificates lie beside this file; `certificates/make.sh` made them.
"""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

CERTIFICATES = Path(__file__).parent / "certificates"
NAME = "localhost"


def server_context(name: str = "server", *, asks_client: bool = False) -> ssl.SSLContext:
    """Returns a server's context; with `asks_client` a client has to show its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CERTIFICATES / "authority.pem")
    return context


def client_context(name: str | None = None) -> ssl.SSLContext:
    """Returns the context of a client that checks the server, and may have a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(CERTIFICATES / "authority.pem")
    if name is not None:
        context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


def older(context: ssl.SSLContext) -> ssl.SSLContext:
    """Limits a context to TLS 1.2."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class Peer:
    """The other end, over a raw socket: it does what it is told, and nothing by itself."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, *, server_side: bool = True
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.sslobj = context.wrap_bio(
            self.incoming,
            self.outgoing,
            server_side=server_side,
            server_hostname=None if server_side else NAME,
        )
        self.loop = asyncio.get_running_loop()

    async def flush(self) -> None:
        """Sends the records that are due."""
        if self.outgoing.pending:
            await self.loop.sock_sendall(self.sock, self.outgoing.read())

    async def attempt(self, operation: Any, *args: Any) -> Any:
        """Repeats an operation until it has got the input that it needs."""
        while True:
            try:
                result = operation(*args)
            except ssl.SSLWantReadError:
                await self.flush()
                data = await self.loop.sock_recv(self.sock, 65536)
                if not data:
                    raise EOFError("the connection was closed") from None
                self.incoming.write(data)
            else:
                await self.flush()
                return result

    async def handshake(self) -> None:
        """Does the peer's half of the handshake."""
        await self.attempt(self.sslobj.do_handshake)

    async def send(self, data: bytes) -> None:
        """Encrypts and sends."""
        self.sslobj.write(data)
        await self.flush()

    async def receive(self, size: int) -> bytes:
        """Reads that many bytes, or up to close_notify."""
        data = b""
        while len(data) < size:
            part = await self.attempt(self.sslobj.read, size - len(data))
            if not part:
                break
            data += part
        return data

    async def say_goodbye(self) -> None:
        """Sends close_notify, and doesn't wait for the answer."""
        try:
            self.sslobj.unwrap()
        except ssl.SSLWantReadError:
            pass
        await self.flush()

    async def unwrap(self) -> None:
        """Sends close_notify and waits for the other one."""
        await self.attempt(self.sslobj.unwrap)

    async def until_end(self) -> bytes:
        """Reads records, whatever they are, until the end of the stream."""
        data = b""
        while part := await self.loop.sock_recv(self.sock, 65536):
            data += part
        return data


async def connect(
    bench: Any,
    protocol: Any,
    *,
    client: ssl.SSLContext | None = None,
    server: ssl.SSLContext | None = None,
    small: bool = False,
    **options: Any,
) -> tuple[Any, Peer]:
    """Returns the transport of a TLS client on the loop, and its peer."""
    ours, other = bench.pair(small=small)
    peer = Peer(other, server or server_context())
    (transport, _), _ = await asyncio.gather(
        bench.loop.create_connection(
            lambda: protocol,
            sock=ours,
            ssl=client or client_context(),
            server_hostname=NAME,
            **options,
        ),
        peer.handshake(),
    )
    bench.transports.append(transport)
    return transport, peer


async def dial(
    bench: Any, address: Any, *, client: ssl.SSLContext | None = None, handshakes: bool = True
) -> Peer:
    """Returns a peer that is the client of a server on the loop."""
    peer = Peer(bench.dial(address), client or client_context(), server_side=False)
    if handshakes:
        await peer.handshake()
    return peer
