"""`start_tls`: over transports of the loop, over TLS, and over transports of somebody else."""

import asyncio
import ssl
from typing import Any

import pytest

from .support import BufferedRecorder, Recorder, await_readable
from .tls_support import NAME, Peer, client_context, connect, server_context


@pytest.mark.parametrize("kind", [Recorder, BufferedRecorder])
@pytest.mark.parametrize("server_side", [False, True])
def test_a_connection_goes_on_encrypted(run: Any, bench: Any, kind: Any, server_side: bool) -> None:
    async def main() -> None:
        protocol = kind()
        transport, _, other = await bench.connect(protocol)
        transport.write(b"plain")
        assert await bench.loop.run_in_executor(None, other.recv, 5) == b"plain"
        contexts = [client_context(), server_context()]
        peer = Peer(other, contexts[not server_side], server_side=not server_side)
        encrypted, _ = await asyncio.gather(
            bench.loop.start_tls(
                transport,
                protocol,
                contexts[server_side],
                server_side=server_side,
                server_hostname=None if server_side else NAME,
            ),
            peer.handshake(),
        )
        bench.transports[:] = [encrypted]
        assert encrypted.get_protocol() is protocol
        encrypted.write(b"secret")
        assert await peer.receive(6) == b"secret"
        await peer.send(b"answer")
        assert await protocol.receives(6) == b"answer"
        assert protocol.events.count("made") == 1
        encrypted.close()
        await peer.unwrap()
        assert await protocol.lost() is None

    run(main())


def test_there_is_no_transport_for_a_connection_that_is_closed_before(run: Any, bench: Any) -> None:
    async def main() -> None:
        transport, protocol, _ = await bench.connect()
        transport.close()
        coroutine = bench.loop.start_tls(
            transport, protocol, client_context(), server_hostname=NAME
        )
        assert await coroutine is None

    run(main())


def test_tls_goes_over_tls(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        outer, peer = await connect(bench, protocol)
        inner = Tunnel(peer, server_context())
        encrypted, _ = await asyncio.gather(
            bench.loop.start_tls(outer, protocol, client_context(), server_hostname=NAME),
            inner.handshake(),
        )
        bench.transports[:] = [encrypted]
        data = bytes(range(256)) * 500
        encrypted.write(data)
        assert await inner.receive(len(data)) == data
        await inner.send(data)
        assert await protocol.receives(len(data)) == data
        assert encrypted.get_extra_info("peername") == outer.get_extra_info("peername")
        encrypted.close()
        await inner.unwrap()
        await peer.unwrap()
        assert await protocol.lost() is None

    run(main())


class Tunnel(Peer):
    """A peer whose records go through another."""

    def __init__(self, outer: Peer, context: ssl.SSLContext) -> None:
        super().__init__(outer.sock, context)
        self.outer = outer

    async def flush(self) -> None:
        if self.outgoing.pending:
            await self.outer.send(self.outgoing.read())

    async def attempt(self, operation: Any, *args: Any) -> Any:
        while True:
            try:
                result = operation(*args)
            except ssl.SSLWantReadError:
                await self.flush()
                self.incoming.write(await self.outer.attempt(self.outer.sslobj.read, 65536))
            else:
                await self.flush()
                return result


class Foreign(asyncio.Transport):
    """A transport of somebody else, over one of the loop's."""

    _start_tls_compatible = True

    def __init__(self, below: Any) -> None:
        super().__init__()
        self.below = below

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def set_protocol(self, protocol: Any) -> None:
        self.below.set_protocol(Forwarder(protocol))

    def write(self, data: Any) -> None:
        self.below.write(data)

    def close(self) -> None:
        self.below.close()

    def abort(self) -> None:
        self.below.abort()

    def is_closing(self) -> bool:
        return bool(self.below.is_closing())

    def pause_reading(self) -> None:
        self.below.pause_reading()

    def resume_reading(self) -> None:
        self.below.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.below.get_extra_info(name, default)


class Forwarder(asyncio.Protocol):
    """Hands on what a transport tells it."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol

    def data_received(self, data: bytes) -> None:
        if isinstance(self.protocol, asyncio.BufferedProtocol):
            view: Any = self.protocol.get_buffer(len(data))
            view[: len(data)] = data
            self.protocol.buffer_updated(len(data))
        else:
            self.protocol.data_received(data)

    def eof_received(self) -> Any:
        return self.protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()


def test_a_transport_of_somebody_else_is_encrypted(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _, other = await bench.connect(protocol)
        peer = Peer(other, server_context())
        encrypted, _ = await asyncio.gather(
            bench.loop.start_tls(
                Foreign(transport), protocol, client_context(), server_hostname=NAME
            ),
            peer.handshake(),
        )
        bench.transports[:] = [encrypted]
        data = bytes(200_000)
        encrypted.write(data)
        assert await peer.receive(len(data)) == data
        sending = bench.loop.create_task(peer.send(data))
        assert await protocol.receives(len(data)) == data
        await sending
        encrypted.abort()
        assert await protocol.lost() is None

    run(main())


def test_a_client_hello_that_a_stream_has_read_already_is_not_lost(
    our_run: Any, our_bench: Any
) -> None:
    """As in asyncio from 3.14 on."""

    async def main() -> None:
        ours, other = our_bench.pair()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await our_bench.loop.create_connection(lambda: protocol, sock=ours)
        peer = Peer(other, client_context(), server_side=False)
        handshake = our_bench.loop.create_task(peer.handshake())
        while not reader._buffer:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        encrypted, _ = await asyncio.gather(
            our_bench.loop.start_tls(transport, protocol, server_context(), server_side=True),
            handshake,
        )
        our_bench.transports.append(encrypted)
        await peer.send(b"question\n")
        assert await reader.readline() == b"question\n"

    our_run(main())


def test_a_handshake_that_fails_closes_the_connection(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _, other = await bench.connect(protocol)
        other.sendall(b"no TLS here, this is not what you want\r\n")
        await_readable(transport.get_extra_info("socket"))
        with pytest.raises(ssl.SSLError):
            await bench.loop.start_tls(transport, protocol, client_context(), server_hostname=NAME)
        assert isinstance(await protocol.lost(), ssl.SSLError)
        bench.transports.clear()

    run(main())


def test_a_handshake_that_is_cancelled_closes_the_connection(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _, other = await bench.connect(protocol)
        attempt = bench.loop.create_task(
            bench.loop.start_tls(transport, protocol, client_context(), server_hostname=NAME)
        )
        await bench.loop.run_in_executor(None, await_readable, other)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        assert transport.is_closing()
        bench.transports.clear()

    run(main())
    run(asyncio.sleep(0))


def test_only_a_context_will_do(run: Any, bench: Any) -> None:
    async def main() -> None:
        transport, protocol, _ = await bench.connect()
        with pytest.raises(TypeError, match=r"expected to be an instance of ssl\.SSLContext"):
            await bench.loop.start_tls(transport, protocol, None)

    run(main())


def test_a_transport_that_does_not_say_it_can_is_refused(run: Any, bench: Any) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"is not supported by start_tls\(\)"):
            await bench.loop.start_tls(asyncio.Transport(), Recorder(), client_context())

    run(main())
