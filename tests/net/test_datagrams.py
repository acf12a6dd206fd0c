"""Datagram endpoints: UDP and UNIX datagram sockets."""

import asyncio
import contextlib
import errno
import socket

import pytest

from .support import PATIENCE, Record, next_iteration, open_files


class Mailbox(Record, asyncio.DatagramProtocol):
    """Keeps the datagrams that came, and a record."""

    def __init__(self):
        super().__init__()
        self.mail = []

    def datagram_received(self, data, addr):
        self.mail.append((data, addr))
        self.note("mail")

    def error_received(self, exc):
        self.note(("error", type(exc)))

    async def receives(self, count):
        await self.until(lambda: len(self.mail) >= count)
        return self.mail


class Post:
    """Endpoints of a loop; all are closed in the end."""

    def __init__(self, bench):
        self.bench = bench
        self.loop = bench.loop

    async def open(self, *args, **options):
        if not args and not options:
            options = {"local_addr": ("127.0.0.1", 0)}
        transport, protocol = await self.loop.create_datagram_endpoint(Mailbox, *args, **options)
        self.bench.transports.append(transport)
        return transport, protocol

    def peer(self):
        peer = socket.socket(type=socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE)
        self.bench.peers.append(peer)
        return peer


@pytest.fixture
def post(bench):
    return Post(bench)


def test_a_datagram_comes_with_its_sender_and_can_be_answered(post, run):
    async def main():
        transport, box = await post.open()
        peer = post.peer()
        peer.sendto(b"question", transport.get_extra_info("sockname"))
        [(data, sender)] = await box.receives(1)
        assert (data, sender) == (b"question", peer.getsockname())
        transport.sendto(b"answer", sender)
        assert peer.recvfrom(100) == (b"answer", transport.get_extra_info("sockname"))

    run(main())


def test_many_datagrams_come_in_order_and_apart(post, run):
    async def main():
        transport, box = await post.open()
        peer = post.peer()
        for number in range(50):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        assert [data for data, _ in await box.receives(50)] == [b"%d" % n for n in range(50)]

    run(main())


def test_an_empty_datagram_is_received(post, run):
    async def main():
        transport, box = await post.open()
        post.peer().sendto(b"", transport.get_extra_info("sockname"))
        assert (await box.receives(1))[0][0] == b""

    run(main())


def test_the_largest_datagrams_come_whole_among_others(post, run):
    sizes = [1, 65_507, 0, 65_507, 2]

    async def main():
        transport, box = await post.open()
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        peer = post.peer()
        for number, size in enumerate(sizes):
            peer.sendto(bytes([number]) * size, transport.get_extra_info("sockname"))
        mail = await box.receives(len(sizes))
        assert mail == [
            (bytes([number]) * size, peer.getsockname()) for number, size in enumerate(sizes)
        ]

    run(main())


@pytest.mark.parametrize("how", ["close", "abort"])
def test_nothing_is_delivered_after_the_protocol_ended_the_endpoint(how, post, run):
    class Ending(Mailbox):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if len(self.mail) == 2:
                getattr(self.transport, how)()

    async def main():
        transport, box = await post.loop.create_datagram_endpoint(
            Ending, local_addr=("127.0.0.1", 0)
        )
        peer = post.peer()
        for number in range(8):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        await box.lost()
        assert [data for data, _ in box.mail] == [b"0", b"1"]

    run(main())


def test_a_connected_endpoint_sends_to_its_peer_only(post, run):
    async def main():
        peer = post.peer()
        transport, _ = await post.open(remote_addr=peer.getsockname())
        transport.sendto(b"one")
        transport.sendto(b"two", peer.getsockname())
        assert [peer.recv(10), peer.recv(10)] == [b"one", b"two"]
        with pytest.raises(ValueError, match="Invalid address"):
            transport.sendto(b"three", ("127.0.0.1", 9))
        assert transport.get_extra_info("peername") == peer.getsockname()

    run(main())


def test_a_refused_datagram_is_told_and_ends_nothing(post, run):
    async def main():
        peer = post.peer()
        transport, box = await post.open(remote_addr=peer.getsockname())
        peer.close()
        transport.sendto(b"x")
        await box.seen(("error", ConnectionRefusedError))
        assert not transport.is_closing()

    run(main())


def test_a_datagram_that_is_too_large_is_told(post, run):
    async def main():
        transport, box = await post.open()
        transport.sendto(bytes(70_000), post.peer().getsockname())
        assert box.events == ["made", ("error", OSError)]
        assert transport.get_write_buffer_size() == 0

    run(main())


@pytest.mark.parametrize("data", ["text", None, 7, [1]])
def test_what_is_not_bytes_is_refused(data, post, run):
    async def main():
        transport, _ = await post.open()
        with pytest.raises(TypeError, match="bytes-like"):
            transport.sendto(data, ("127.0.0.1", 9))

    run(main())


@pytest.mark.parametrize("how", ["close", "abort"])
def test_an_endpoint_that_ends_is_told_so_once_and_its_socket_closed(how, post, run):
    async def main():
        transport, box = await post.open()
        getattr(transport, how)()
        assert box.events == ["made"]
        assert await box.lost() is None
        await next_iteration(post.loop)
        transport.close()
        await next_iteration(post.loop)
        assert box.events == ["made", ("lost", None)]

    run(main())


@pytest.mark.parametrize("kind", [asyncio.DatagramTransport, asyncio.Transport])
def test_its_type_is_asyncios(kind, post, run):
    async def main():
        transport, _ = await post.open()
        assert isinstance(transport, kind)

    run(main())


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A raw UNIX datagram socket, bound to "reader": it holds up who sends to it."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("reader")
        made.setblocking(False)
        yield made


async def fill(transport, box, size=1000):
    """Sends until the protocol is paused; returns how many were sent."""
    count = 0
    while "pause" not in box.events:
        transport.sendto(b"%08d" % count + bytes(size))
        count += 1
    return count


def test_a_peer_that_does_not_read_holds_the_writer_up(reader, post, run):
    async def main():
        transport, box = await post.open(remote_addr="reader", family=socket.AF_UNIX)
        count = await fill(transport, box)
        assert transport.get_write_buffer_size() > transport.get_write_buffer_limits()[1]
        numbers = []
        while len(numbers) < count:
            try:
                numbers.append(int(reader.recv(2000)[:8]))
            except BlockingIOError:
                await asyncio.sleep(0)
        assert numbers == list(range(count))
        assert box.events == ["made", "pause", "resume"]

    run(main())


def test_an_endpoint_that_is_closed_in_connection_made_is_told_of_no_datagram(reader, post, run):
    class Leaving(Mailbox):
        def connection_made(self, transport):
            super().connection_made(transport)
            while not transport.get_write_buffer_size():
                transport.sendto(bytes(1000))
            transport.close()

    async def main():
        _, box = await post.loop.create_datagram_endpoint(
            Leaving, local_addr="ours", remote_addr="reader", family=socket.AF_UNIX
        )
        reader.sendto(b"late", "ours")
        await next_iteration(post.loop)
        while ("lost", None) not in box.events:
            with contextlib.suppress(BlockingIOError):
                reader.recv(2000)
            await next_iteration(post.loop)
        assert box.mail == []

    run(main())


def test_close_sends_what_waits_first(reader, post, run):
    async def main():
        transport, box = await post.open(remote_addr="reader", family=socket.AF_UNIX)
        count = await fill(transport, box)
        transport.close()
        received = 0
        while received < count:
            try:
                received += bool(reader.recv(2000))
            except BlockingIOError:
                await asyncio.sleep(0)
        assert await box.lost() is None

    run(main())


def test_abort_drops_what_waits(reader, post, run):
    async def main():
        transport, box = await post.open(remote_addr="reader", family=socket.AF_UNIX)
        await fill(transport, box)
        transport.abort()
        assert await box.lost() is None

    run(main())


def test_unix_datagrams_are_named_by_paths(post, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main():
        server, box = await post.open(local_addr="server", family=socket.AF_UNIX)
        client, answers = await post.open("client", "server", family=socket.AF_UNIX)
        client.sendto(b"question")
        assert await box.receives(1) == [(b"question", "client")]
        server.sendto(b"answer", "client")
        assert await answers.receives(1) == [(b"answer", "server")]

    run(main())


def test_a_unix_datagram_larger_than_any_of_udp_comes_whole(post, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = bytes(range(256)) * 400

    async def main():
        _, box = await post.open(local_addr="box", family=socket.AF_UNIX)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.connect("box")
            peer.send(data)
        assert (await box.receives(1))[0][0] == data

    run(main())


def test_a_unix_sender_without_a_name_has_no_address(post, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main():
        _, box = await post.open(local_addr="server", family=socket.AF_UNIX)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"x", "server")
        assert await box.receives(1) == [(b"x", None)]

    run(main())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "unexpected address family"),
        ({"local_addr": "host"}, TypeError, "2-tuple is expected"),
        ({"local_addr": ("host", 1, 2)}, TypeError, "2-tuple is expected"),
        ({"local_addr": ("h", 1), "family": socket.AF_UNIX}, TypeError, "string is expected"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, error, message, bench, run):
    async def main():
        with pytest.raises(error, match=message):
            await bench.loop.create_datagram_endpoint(Mailbox, **options)

    run(main())


def test_a_socket_of_another_kind_or_with_options_is_refused(bench, run):
    async def main():
        with socket.socket() as sock, pytest.raises(ValueError, match=r"(?i)socket was expected"):
            await bench.loop.create_datagram_endpoint(Mailbox, sock=sock)
        with (
            socket.socket(type=socket.SOCK_DGRAM) as sock,
            pytest.raises(ValueError, match=r"can not be used.*reuse_port=True"),
        ):
            await bench.loop.create_datagram_endpoint(Mailbox, sock=sock, reuse_port=True)

    run(main())


def test_a_port_in_use_is_refused_and_nothing_left_open(post, run):
    async def main():
        address = post.peer().getsockname()
        before = open_files()
        with pytest.raises(OSError, match="in use") as caught:
            await post.open(local_addr=address)
        assert caught.value.errno == errno.EADDRINUSE
        assert open_files() == before

    run(main())


def test_two_endpoints_share_a_port_with_reuse_port(post, run):
    async def main():
        transport, _ = await post.open(local_addr=("127.0.0.1", 0), reuse_port=True)
        address = transport.get_extra_info("sockname")
        second, _ = await post.open(local_addr=address, reuse_port=True)
        assert second.get_extra_info("sockname") == address

    run(main())


def test_broadcast_is_allowed_on_demand(post, run):
    async def main():
        transport, _ = await post.open(local_addr=("127.0.0.1", 0), allow_broadcast=True)
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)

    run(main())


def test_a_protocol_that_raises_is_reported_and_goes_on(post, run, reported):
    class Failing(Mailbox):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            raise ZeroDivisionError

    async def main():
        transport, box = await post.loop.create_datagram_endpoint(
            Failing, local_addr=("127.0.0.1", 0)
        )
        post.bench.transports.append(transport)
        peer = post.peer()
        for _ in range(2):
            peer.sendto(b"x", transport.get_extra_info("sockname"))
        await box.receives(2)
        await next_iteration(post.loop)
        errors = [report["exception"] for report in reported.take()]
        assert [type(error) for error in errors] == [ZeroDivisionError] * 2

    run(main())
