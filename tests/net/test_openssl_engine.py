"""Which engine a connection has: straight on OpenSSL where that can be, else over memory BIOs."""

import _ssl
import ssl
from typing import Any

import pytest

from mainspring.net import tls_openssl

from .support import Recorder
from .tls_support import client_context, connect


class Interfering(ssl.SSLObject):
    """Has something done while the first data is encrypted. It is never called past Python."""

    interfere: Any = None

    def write(self, data: Any) -> int:
        interfere, Interfering.interfere = Interfering.interfere, None
        if interfere is not None:
            interfere()
        return super().write(data)


def interfering_context() -> ssl.SSLContext:
    context = client_context()
    context.sslobject_class = Interfering
    return context


def test_openssl_is_called_straight_where_ssl_is_a_library() -> None:
    """An interpreter with OpenSSL linked into it shows no functions to look up."""
    assert tls_openssl.is_usable == hasattr(_ssl, "__file__")


def test_somebody_else_can_not_write_into_the_loops_buffer(our_run: Any, our_bench: Any) -> None:
    if not tls_openssl.is_usable:
        pytest.skip("this interpreter's OpenSSL can't be called straight")

    async def main() -> None:
        transport, _ = await connect(our_bench, Recorder())
        sslobj = transport.get_extra_info("ssl_object")
        with pytest.raises(ssl.SSLWantWriteError):
            sslobj.write(b"past the transport")

    our_run(main())


def test_an_error_that_somebody_left_in_openssl_is_not_the_connections(
    our_run: Any, our_bench: Any
) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(our_bench, protocol)
        with pytest.raises(ssl.SSLError):
            client_context().load_verify_locations(cadata="no certificate")
        transport.write(b"question")
        assert await peer.receive(8) == b"question"
        await peer.send(b"answer")
        assert await protocol.receives(6) == b"answer"

    our_run(main())


def test_what_is_written_while_data_is_encrypted_comes_after_it(
    our_run: Any, our_bench: Any
) -> None:
    async def main() -> None:
        transport, peer = await connect(our_bench, Recorder(), client=interfering_context())
        Interfering.interfere = lambda: transport.write(b"b" * 40_000)
        transport.write(b"a" * 20_000)
        transport.write(b"c")
        assert await peer.receive(60_001) == b"a" * 20_000 + b"b" * 40_000 + b"c"
        assert transport.get_write_buffer_size() == 0

    our_run(main())


def test_a_close_while_data_is_encrypted_waits_for_the_data(our_run: Any, our_bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, peer = await connect(our_bench, protocol, client=interfering_context())
        Interfering.interfere = transport.close
        transport.write(b"a" * 20_000)
        assert await peer.receive(20_001) == b"a" * 20_000
        await peer.unwrap()
        assert await protocol.lost() is None

    our_run(main())


def test_an_abort_while_data_is_encrypted_ends_the_connection(our_run: Any, our_bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(our_bench, protocol, client=interfering_context())
        Interfering.interfere = transport.abort
        transport.write(b"a" * 20_000)
        assert await protocol.lost() is None
        assert transport.get_write_buffer_size() == 0

    our_run(main())
