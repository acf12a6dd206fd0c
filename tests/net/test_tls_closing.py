"""The ends of TLS connections: close_notify, the end without one, timeouts, abort, errors."""

import asyncio
import ssl
from typing import Any

import pytest

from .support import Recorder, make_small, reset
from .tls_support import connect, dial, server_context

SMALL_TIMEOUT = 0.01


def test_close_says_goodbye_and_waits_for_the_answer(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.close()
        assert transport.is_closing()
        assert await peer.receive(1) == b""
        assert protocol.events == ["made"]
        await peer.unwrap()
        assert await protocol.lost() is None
        assert protocol.events == ["made", "eof", ("lost", None)]

    run(main())


def test_close_sends_first_what_was_written(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol, small=True)
        data = bytes(range(256)) * 4096
        transport.write(data)
        transport.close()
        assert await peer.receive(len(data) + 1) == data
        await peer.unwrap()
        assert await protocol.lost() is None

    run(main())


def test_nothing_is_received_after_close(our_run: Any, our_bench: Any) -> None:
    """With asyncio the connection ends with an error when the peer was still sending."""

    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(our_bench, protocol)
        transport.close()
        await peer.send(b"too late")
        await peer.unwrap()
        assert await protocol.lost() is None
        assert protocol.received == b""

    our_run(main())


def test_a_goodbye_of_the_peer_is_answered(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        await peer.send(b"last words")
        await peer.unwrap()
        assert await protocol.lost() is None
        assert protocol.received == b"last words"
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_what_is_written_in_eof_received_reaches_the_peer(run: Any, bench: Any) -> None:
    class Polite(Recorder):
        def eof_received(self) -> None:
            super().eof_received()
            self.transport.write(b"goodbye")

    async def main() -> None:
        protocol = Polite()
        _, peer = await connect(bench, protocol)
        await peer.say_goodbye()
        assert await peer.receive(7) == b"goodbye"
        assert await protocol.lost() is None

    run(main())


def test_a_connection_can_not_be_kept_half_open(run: Any, bench: Any, caplog: Any) -> None:
    class HalfOpen(Recorder):
        def eof_received(self) -> bool:
            super().eof_received()
            return True

    async def main() -> None:
        protocol = HalfOpen()
        _, peer = await connect(bench, protocol)
        await peer.say_goodbye()
        assert await protocol.lost() is None

    run(main())
    assert "returning true from eof_received() has no effect when using ssl" in caplog.text


def test_an_end_without_a_goodbye_is_an_end(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        await peer.send(b"last words")
        peer.sock.close()
        assert await protocol.lost() is None
        assert protocol.events == ["made", "data", "eof", ("lost", None)]

    run(main())


def test_an_end_in_the_middle_of_a_record_is_an_end(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        peer.sslobj.write(b"never complete")
        await bench.loop.sock_sendall(peer.sock, peer.outgoing.read()[:-1])
        peer.sock.close()
        assert await protocol.lost() is None
        assert protocol.events == ["made", "eof", ("lost", None)]

    run(main())


def test_a_corrupt_record_is_an_ssl_error(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        peer.sslobj.write(b"corrupt")
        record = bytearray(peer.outgoing.read())
        record[-1] ^= 1
        await bench.loop.sock_sendall(peer.sock, record)
        exc = await protocol.lost()
        assert isinstance(exc, ssl.SSLError)
        assert exc.library == "SSL"
        # The second is the word of OpenSSL 3.2 and newer.
        assert exc.reason in ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "RECORD_LAYER_FAILURE")
        assert str(exc).startswith(f"[SSL: {exc.reason}] ")
        assert exc.errno == ssl.SSL_ERROR_SSL
        assert protocol.events == ["made", ("lost", exc)]

    run(main())


def test_what_came_before_a_corrupt_record_is_received(our_run: Any, our_bench: Any) -> None:
    """With asyncio it is lost when both come at once."""

    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(our_bench, protocol)
        peer.sslobj.write(b"good")
        await our_bench.loop.sock_sendall(peer.sock, peer.outgoing.read() + b"bad" * 10)
        assert isinstance(await protocol.lost(), ssl.SSLError)
        assert protocol.received == b"good"

    our_run(main())


def test_a_reset_is_a_reset(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        _, peer = await connect(bench, protocol)
        reset(peer.sock)
        assert isinstance(await protocol.lost(), ConnectionResetError)
        assert "eof" not in protocol.events

    run(main())


def test_a_peer_that_never_says_goodbye_is_left_after_the_shutdown_timeout(
    run: Any, bench: Any
) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(bench, protocol, ssl_shutdown_timeout=SMALL_TIMEOUT)
        transport.close()
        exc = await protocol.lost()
        assert isinstance(exc, TimeoutError)
        assert str(exc) == "SSL shutdown timed out"

    run(main())


def test_a_peer_that_has_ended_and_never_reads_is_left_after_the_shutdown_timeout(
    our_run: Any, our_bench: Any
) -> None:
    """As in asyncio from 3.14 on."""

    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(
            our_bench, protocol, small=True, ssl_shutdown_timeout=SMALL_TIMEOUT
        )
        transport.write(bytes(1_000_000))
        await peer.say_goodbye()
        assert isinstance(await protocol.lost(), TimeoutError)

    our_run(main())


def test_abort_ends_the_connection_at_once(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.abort()
        assert transport.is_closing()
        assert await protocol.lost() is None
        assert protocol.events == ["made", ("lost", None)]
        assert await peer.until_end() == b""

    run(main())


def test_what_the_system_takes_is_sent_before_an_abort(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.write(b"last words")
        transport.abort()
        assert await peer.receive(10) == b"last words"
        assert await protocol.lost() is None

    run(main())


@pytest.mark.parametrize("when", ["before it is lost", "after"])
def test_a_paused_protocol_that_is_aborted_is_not_resumed(
    when: str, our_run: Any, our_bench: Any
) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(our_bench, protocol, small=True)
        while "pause" not in protocol.events:
            transport.write(bytes(1 << 16))
        transport.abort()
        if when == "after":
            await protocol.lost()
        transport.write(b"late")
        transport.set_write_buffer_limits(high=10)
        await protocol.lost()
        assert protocol.events == ["made", "pause", ("lost", None)]

    our_run(main())


def test_abort_in_the_shutdown_ends_it(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(bench, protocol)
        transport.close()
        transport.abort()
        assert await protocol.lost() is None

    run(main())


def test_writes_after_close_are_dropped(run: Any, bench: Any, caplog: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.close()
        for _ in range(6):
            transport.write(b"nothing")
        assert await peer.receive(1) == b""
        await peer.unwrap()
        await protocol.lost()

    run(main())
    assert caplog.text.count("SSL connection is closed") == 1


def test_close_in_data_received_ends_the_reading(run: Any, bench: Any) -> None:
    class Once(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.close()

    async def main() -> None:
        protocol = Once()
        _, peer = await connect(bench, protocol)
        await peer.send(b"one")
        assert await peer.receive(1) == b""
        await peer.unwrap()
        assert await protocol.lost() is None
        assert protocol.received == b"one"

    run(main())


def test_a_paused_protocol_still_hears_the_answer_to_its_close(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.pause_reading()
        transport.close()
        await peer.unwrap()
        assert await protocol.lost() is None

    run(main())


@pytest.mark.parametrize("error", [RuntimeError, ConnectionError])
def test_an_error_in_data_received_ends_the_connection(
    run: Any, bench: Any, reported: Any, error: type[Exception]
) -> None:
    class Faulty(Recorder):
        def data_received(self, data: bytes) -> None:
            raise error("no")

    async def main() -> None:
        protocol = Faulty()
        _, peer = await connect(bench, protocol)
        await peer.send(b"x")
        assert isinstance(await protocol.lost(), error)

    run(main())
    expected = ["Fatal error on SSL protocol"] if error is RuntimeError else []
    assert reported.messages() == expected


def test_an_error_in_eof_received_is_reported(run: Any, bench: Any, reported: Any) -> None:
    class Faulty(Recorder):
        def eof_received(self) -> None:
            raise RuntimeError("no")

    async def main() -> None:
        protocol = Faulty()
        _, peer = await connect(bench, protocol)
        await peer.say_goodbye()
        assert isinstance(await protocol.lost(), RuntimeError)

    run(main())
    assert reported.messages() == ["Error calling eof_received()"]


def test_a_closed_transport_lets_go_of_its_protocol(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol)
        transport.close()
        await peer.unwrap()
        await protocol.lost()
        await asyncio.sleep(0)
        assert transport.get_protocol() is None
        assert transport.get_extra_info("socket") is None
        assert transport.get_extra_info("ssl_object") is not None
        assert transport.get_extra_info("peercert") is not None

    run(main())


def test_a_server_waits_for_its_encrypted_connections(run: Any, bench: Any) -> None:
    async def main() -> None:
        server, address = await bench.serve(ssl=server_context())
        peer = await dial(bench, address)
        protocol = await bench.first_accepted()
        server.close()
        protocol.transport.close()
        await peer.unwrap()
        await server.wait_closed()

    run(main())


def test_a_slow_peer_gets_all_that_was_written_before_the_end_of_its_own_data(
    run: Any, bench: Any
) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(bench, protocol, small=True)
        make_small(peer.sock)
        data = bytes(1_000_000)
        transport.write(data)
        await peer.say_goodbye()
        assert await peer.receive(len(data)) == data
        assert await protocol.lost() is None

    run(main())
