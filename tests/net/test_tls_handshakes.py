"""TLS handshakes that fail: what each failure is, who is told of it, and that nothing is left."""

import asyncio
import gc
import socket
import ssl
import weakref
from typing import Any

import pytest

from .support import Recorder
from .tls_support import NAME, Peer, client_context, connect, dial, server_context


@pytest.mark.parametrize("name", ["expired", "other"])
def test_a_client_refuses_a_wrong_certificate(
    run: Any, bench: Any, name: str, reported: Any
) -> None:
    async def main() -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
            await connect_and_fail(bench, server_context(name))

    run(main())


async def connect_and_fail(bench: Any, context: ssl.SSLContext) -> None:
    """Connects a client to a server on the same loop."""
    _, address = await bench.serve(ssl=context)
    await bench.loop.create_connection(
        Recorder, *address, ssl=client_context(), server_hostname=NAME
    )


def test_the_peer_is_told_why_its_certificate_was_refused(our_run: Any, our_bench: Any) -> None:
    """With asyncio the connection ends without an alert."""

    async def main() -> None:
        ours, other = our_bench.pair()
        peer = Peer(other, server_context("expired"))
        attempt = our_bench.loop.create_task(
            our_bench.loop.create_connection(
                Recorder, sock=ours, ssl=client_context(), server_hostname=NAME
            )
        )
        with pytest.raises(ssl.SSLError, match="ALERT_CERTIFICATE_EXPIRED"):
            await peer.handshake()
        with pytest.raises(ssl.SSLCertVerificationError):
            await attempt

    our_run(main())


def test_a_server_refuses_a_client_without_a_certificate(run: Any, bench: Any) -> None:
    async def main() -> None:
        _, address = await bench.serve(ssl=server_context(asks_client=True))
        peer = await dial(bench, address)
        with pytest.raises((ssl.SSLError, EOFError, ConnectionError)):
            await peer.receive(1)
        assert bench.accepted[0].events == []

    run(main())


def test_garbage_for_a_handshake_ends_the_connection(run: Any, bench: Any) -> None:
    async def main() -> None:
        _, address = await bench.serve(ssl=server_context())
        peer = await dial(bench, address, handshakes=False)
        await bench.loop.sock_sendall(peer.sock, b"GET / HTTP/1.0\r\n\r\n")
        try:
            await peer.until_end()
        except ConnectionResetError:
            pass
        assert bench.accepted[0].events == []

    run(main())


def test_garbage_for_an_answer_is_an_ssl_error(run: Any, bench: Any) -> None:
    async def main() -> None:
        ours, other = bench.pair()
        other.sendall(b"220 mail.example ready\r\n")
        with pytest.raises(ssl.SSLError, match=r"WRONG_VERSION_NUMBER|RECORD"):
            await bench.loop.create_connection(
                Recorder, sock=ours, ssl=client_context(), server_hostname=NAME
            )

    run(main())


def test_a_peer_that_goes_away_in_the_handshake_is_a_reset(run: Any, bench: Any) -> None:
    async def main() -> None:
        ours, other = bench.pair()
        other.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            await bench.loop.create_connection(
                Recorder, sock=ours, ssl=client_context(), server_hostname=NAME
            )

    run(main())


def test_a_peer_that_never_answers_is_left_after_the_handshake_timeout(
    run: Any, bench: Any
) -> None:
    async def main() -> None:
        ours, _ = bench.pair()
        with pytest.raises(
            ConnectionAbortedError, match=r"SSL handshake is taking longer than 0\.0"
        ):
            await bench.loop.create_connection(
                Recorder,
                sock=ours,
                ssl=client_context(),
                server_hostname=NAME,
                ssl_handshake_timeout=0.01,
            )

    run(main())


def test_a_client_that_never_begins_is_left_after_the_handshake_timeout(
    run: Any, bench: Any
) -> None:
    async def main() -> None:
        _, address = await bench.serve(ssl=server_context(), ssl_handshake_timeout=0.01)
        peer = await dial(bench, address, handshakes=False)
        assert await peer.until_end() == b""
        assert bench.accepted[0].events == []

    run(main())


def test_a_cancelled_handshake_leaves_nothing(run: Any, bench: Any) -> None:
    async def main() -> weakref.ref[Any]:
        context = client_context()
        ours, _ = bench.pair()
        attempt = bench.loop.create_task(
            bench.loop.create_connection(Recorder, sock=ours, ssl=context, server_hostname=NAME)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        return weakref.ref(context)

    context = run(main())
    run(asyncio.sleep(0))
    gc.collect()
    assert context() is None


def test_a_refused_handshake_is_reported_in_debug_mode(run: Any, bench: Any, reported: Any) -> None:
    async def main() -> None:
        bench.loop.set_debug(True)
        _, address = await bench.serve(ssl=server_context())
        peer = await dial(bench, address, handshakes=False)
        await bench.loop.sock_sendall(peer.sock, b"this is no TLS, not in the least")
        try:
            await peer.until_end()
        except ConnectionResetError:
            pass
        bench.loop.set_debug(False)

    run(main())
    assert reported.messages() == ["Error on transport creation for incoming connection"]


def test_an_error_in_connection_made_ends_the_connection(
    run: Any, bench: Any, reported: Any
) -> None:
    class Faulty(Recorder):
        def connection_made(self, transport: Any) -> None:
            raise RuntimeError("no")

    async def main() -> None:
        protocol = Faulty()
        with pytest.raises(RuntimeError, match="no"):
            await connect(bench, protocol)
        assert isinstance(await protocol.lost(), RuntimeError)

    run(main())
    assert reported.messages() == ["Fatal error: protocol.buffer_updated() call failed."]


def test_a_failed_handshake_leaves_no_cycle(our_run: Any, our_bench: Any) -> None:
    """With asyncio it does, before 3.14."""
    made = []

    def factory() -> Recorder:
        protocol = Recorder()
        made.append(weakref.ref(protocol))
        return protocol

    async def main() -> None:
        ours, other = our_bench.pair()
        other.sendall(b"220 mail.example ready\r\n")
        with pytest.raises(ssl.SSLError):
            await our_bench.loop.create_connection(
                factory, sock=ours, ssl=client_context(), server_hostname=NAME
            )

    gc.collect()
    gc.disable()
    try:
        our_run(main())
        our_run(asyncio.sleep(0))
        assert [protocol() for protocol in made] == [None]
    finally:
        gc.enable()
