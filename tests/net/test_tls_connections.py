"""TLS connections: what they need, what is agreed on, what is told of them."""

import asyncio
import gc
import ssl
from typing import Any

import pytest

from mainspring import Priority

from .support import BufferedRecorder, Recorder, tcp_pair
from .tls_support import NAME, client_context, connect, dial, older, server_context

VERSIONS = {"1.2": older, "1.3": lambda context: context}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", [Recorder, BufferedRecorder])
def test_a_client_exchanges_data_with_a_server(
    run: Any, bench: Any, kind: Any, version: str
) -> None:
    async def main() -> None:
        protocol = kind()
        transport, peer = await connect(bench, protocol, client=VERSIONS[version](client_context()))
        assert protocol.events[0] == "made"
        transport.write(b"question")
        assert await peer.receive(8) == b"question"
        await peer.send(b"answer" * 100)
        assert await protocol.receives(600) == b"answer" * 100

    run(main())


@pytest.mark.parametrize("kind", [Recorder, BufferedRecorder])
def test_a_server_exchanges_data_with_a_client(run: Any, bench: Any, kind: Any) -> None:
    async def main() -> None:
        _, address = await bench.serve(kind, ssl=server_context())
        peer = await dial(bench, address)
        await peer.send(b"question")
        protocol = await bench.first_accepted()
        assert await protocol.receives(8) == b"question"
        protocol.transport.write(b"answer")
        assert await peer.receive(6) == b"answer"

    run(main())


def test_a_connection_accepted_elsewhere_is_encrypted(run: Any, bench: Any) -> None:
    async def main() -> None:
        ours, theirs = bench.pair()
        protocol = Recorder()
        client = Recorder()
        (transport, _), (other, _) = await asyncio.gather(
            bench.loop.connect_accepted_socket(lambda: protocol, ours, ssl=server_context()),
            bench.loop.create_connection(
                lambda: client, sock=theirs, ssl=client_context(), server_hostname=NAME
            ),
        )
        bench.transports += [transport, other]
        transport.write(b"hello")
        assert await client.receives(5) == b"hello"

    run(main())


def test_streams_are_encrypted(run: Any, bench: Any) -> None:
    async def answer(reader: Any, writer: Any) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context())
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname(), ssl=client_context(), server_hostname=NAME
        )
        writer.write(b"question\n")
        assert await reader.read() == b"QUESTION\n"
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    run(main())


def test_a_transport_tells_of_its_encryption(run: Any, bench: Any) -> None:
    async def main() -> None:
        context = client_context()
        transport, _ = await connect(bench, Recorder(), client=context)
        assert transport.get_extra_info("sslcontext") is context
        sslobj = transport.get_extra_info("ssl_object")
        assert isinstance(sslobj, ssl.SSLObject)
        assert transport.get_extra_info("cipher") == sslobj.cipher()
        assert transport.get_extra_info("compression") is None
        certificate = transport.get_extra_info("peercert")
        assert certificate["subject"] == ((("commonName", NAME),),)
        assert transport.get_extra_info("peername") is not None
        assert transport.get_extra_info("socket").fileno() >= 0
        assert transport.get_extra_info("nothing", "default") == "default"

    run(main())


def test_the_socket_of_an_encrypted_connection_is_the_same_object_each_time(
    run: Any, bench: Any
) -> None:
    async def main() -> None:
        transport, _ = await connect(bench, Recorder())
        assert transport.get_extra_info("socket") is transport.get_extra_info("socket")

    run(main())


def test_a_transport_is_one_of_asyncios(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(bench, protocol)
        assert isinstance(transport, asyncio.Transport)
        assert "SSL" in type(transport).__name__ or "SSL" in transport.__class__.__name__
        assert transport.get_protocol() is protocol
        assert not transport.can_write_eof()
        with pytest.raises(NotImplementedError):
            transport.write_eof()
        with pytest.raises(TypeError):
            transport.write("text")

    run(main())


def test_both_sides_agree_on_a_protocol_by_alpn(run: Any, bench: Any) -> None:
    async def main() -> None:
        context, other = client_context(), server_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        other.set_alpn_protocols(["http/1.1"])
        transport, _ = await connect(bench, Recorder(), client=context, server=other)
        assert transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"

    run(main())


def test_a_server_learns_the_name_that_the_client_asks_for(run: Any, bench: Any) -> None:
    names = []

    async def main() -> None:
        context = server_context()
        context.sni_callback = lambda sslobj, name, ctx: names.append(name)
        _, address = await bench.serve(ssl=context)
        await dial(bench, address)
        await bench.first_accepted()

    run(main())
    assert names == [NAME]


def test_a_server_changes_its_certificate_by_the_name(run: Any, bench: Any) -> None:
    async def main() -> None:
        context, other = server_context("other"), server_context()

        def choose(sslobj: Any, name: str, ctx: ssl.SSLContext) -> None:
            sslobj.context = other

        context.sni_callback = choose
        _, address = await bench.serve(ssl=context)
        peer = await dial(bench, address)
        assert peer.sslobj.getpeercert()["subject"] == ((("commonName", NAME),),)
        await bench.first_accepted()

    run(main())


def test_a_server_sees_the_certificate_of_a_client(run: Any, bench: Any) -> None:
    async def main() -> None:
        _, address = await bench.serve(ssl=server_context(asks_client=True))
        await dial(bench, address, client=client_context("client"))
        protocol = await bench.first_accepted()
        certificate = protocol.transport.get_extra_info("peercert")
        assert certificate["subject"] == ((("commonName", "a client"),),)

    run(main())


def test_a_context_may_be_of_a_subclass(run: Any, bench: Any) -> None:
    class Context(ssl.SSLContext):
        wrapped = 0

        def wrap_bio(self, *args: Any, **kwargs: Any) -> Any:
            type(self).wrapped += 1
            return super().wrap_bio(*args, **kwargs)

    async def main() -> None:
        context = Context(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        transport, peer = await connect(bench, Recorder(), client=context)
        assert Context.wrapped == 1
        transport.write(b"x")
        assert await peer.receive(1) == b"x"

    run(main())


def test_an_ssl_object_of_a_subclass_is_asked_for_each_byte(run: Any, bench: Any) -> None:
    class Counted(ssl.SSLObject):
        seen = 0

        def read(self, *args: Any) -> Any:
            got = super().read(*args)
            type(self).seen += got if isinstance(got, int) else len(got)
            return got

    async def main() -> None:
        context = client_context()
        context.sslobject_class = Counted
        protocol = Recorder()
        _, peer = await connect(bench, protocol, client=context)
        await peer.send(b"counted")
        assert await protocol.receives(7) == b"counted"
        assert Counted.seen == 7

    run(main())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"server_hostname": NAME}, ValueError, "only meaningful with ssl"),
        ({"ssl_handshake_timeout": 1}, ValueError, "only meaningful with ssl"),
        ({"ssl_shutdown_timeout": 1}, ValueError, "only meaningful with ssl"),
        ({"ssl": True}, ValueError, "must set server_hostname"),
        (
            {"ssl": True, "server_hostname": "", "ssl_handshake_timeout": 0},
            ValueError,
            "ssl_handshake_timeout should be a positive number, got 0",
        ),
        (
            {"ssl": True, "server_hostname": "", "ssl_shutdown_timeout": -1},
            ValueError,
            "ssl_shutdown_timeout should be a positive number, got -1",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(
    run: Any, bench: Any, options: Any, error: Any, message: str
) -> None:
    async def main() -> None:
        ours, _ = bench.pair()
        with ours, pytest.raises(error, match=message):
            await bench.loop.create_connection(Recorder, sock=ours, **options)

    run(main())


@pytest.mark.parametrize("value", [True, False])
def test_a_server_needs_a_context(run: Any, bench: Any, value: bool) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="ssl argument must be an SSLContext or None"):
            await bench.serve(ssl=value)

    run(main())


def test_an_accepted_connection_needs_a_context(run: Any, bench: Any) -> None:
    async def main() -> None:
        ours, _ = bench.pair()
        with ours, pytest.raises(ValueError, match="Server side SSL needs a valid SSLContext"):
            await bench.loop.connect_accepted_socket(Recorder, ours, ssl=True)

    run(main())


def test_an_encrypted_socket_is_refused(run: Any, bench: Any) -> None:
    async def main() -> None:
        ours, other = tcp_pair()
        wrapped = client_context().wrap_socket(
            ours, server_hostname=NAME, do_handshake_on_connect=False
        )
        with other, wrapped, pytest.raises(TypeError, match="cannot be of type SSLSocket"):
            await bench.loop.create_connection(Recorder, sock=wrapped)

    run(main())


def test_a_host_that_is_no_name_for_a_certificate_closes_the_socket(
    our_run: Any, our_bench: Any
) -> None:
    """With asyncio it stays open."""

    async def main() -> None:
        _, address = await our_bench.serve()
        with pytest.raises(ValueError):  # noqa: PT011 - the text is OpenSSL's
            await our_bench.loop.create_connection(
                Recorder, *address, ssl=client_context(), server_hostname=".example"
            )

    our_run(main())


def test_a_server_may_ask_for_a_certificate_later(run: Any, bench: Any) -> None:
    async def main() -> None:
        context, other = server_context(asks_client=True), client_context("client")
        context.post_handshake_auth = other.post_handshake_auth = True
        _, address = await bench.serve(ssl=context)
        peer = await dial(bench, address, client=other)
        protocol = await bench.first_accepted()
        sslobj = protocol.transport.get_extra_info("ssl_object")
        assert sslobj.getpeercert() is None
        sslobj.verify_client_post_handshake()
        protocol.transport.write(b"who are you?")
        assert await peer.receive(12) == b"who are you?"
        await peer.send(b"me")
        assert await protocol.receives(2) == b"me"
        assert sslobj.getpeercert()["subject"] == ((("commonName", "a client"),),)

    run(main())


def test_an_ssl_object_may_outlive_its_connection(run: Any, bench: Any) -> None:
    async def main() -> None:
        protocol = Recorder()
        transport, _ = await connect(bench, protocol)
        sslobj = transport.get_extra_info("ssl_object")
        transport.abort()
        await protocol.lost()
        bench.transports.clear()
        protocol.transport = transport = None
        gc.collect()
        assert sslobj.version() == "TLSv1.3"
        with pytest.raises(ssl.SSLError):
            sslobj.read(1)

    run(main())


def test_a_connection_has_the_priority_that_was_said_for_it(our_run: Any, our_bench: Any) -> None:
    async def main() -> None:
        transport, _ = await connect(our_bench, Recorder(), priority=Priority.LOW)
        assert transport.get_priority() is Priority.LOW
        transport.set_priority(Priority.HIGH)
        assert transport.get_priority() is Priority.HIGH

    our_run(main())
