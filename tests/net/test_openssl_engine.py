"""Which engine a connection has: straight on OpenSSL where that can be, else over memory BIOs."""

import _ssl
import ssl
from typing import Any

import pytest

from mainspring.net import tls_openssl

from .support import Recorder
from .tls_support import client_context, connect


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
