"""UNIX stream sockets: names, the socket's file, and connections as those of TCP."""

import asyncio
import errno
import logging
import os
import pathlib
import socket
import stat
import sys

import pytest

from mainspring import Priority

from .support import PATIENCE, Recorder, next_iteration, open_files


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A free path, short whatever the folder of the tests is."""
    monkeypatch.chdir(tmp_path)
    return "sock"


class UnixBench:
    """UNIX servers and connections on a loop; all are closed in the end."""

    def __init__(self, bench):
        self.bench = bench
        self.loop = bench.loop
        bench.accepted = []

    async def serve(self, path=None, factory=Recorder, **options):
        def build():
            self.bench.accepted.append(factory())
            return self.bench.accepted[-1]

        server = await self.loop.create_unix_server(build, path, **options)
        self.bench.servers.append(server)
        return server

    async def connect(self, path=None, **options):
        transport, protocol = await self.loop.create_unix_connection(Recorder, path, **options)
        self.bench.transports.append(transport)
        return transport, protocol

    def dial(self, path):
        peer = socket.socket(socket.AF_UNIX)
        self.bench.peers.append(peer)
        peer.settimeout(PATIENCE)
        peer.connect(path)
        return peer


@pytest.fixture
def unix(bench):
    return UnixBench(bench)


@pytest.fixture
def our_unix(our_bench):
    return UnixBench(our_bench)


NAMES = {
    "a path": lambda path: path,
    "a path in bytes": lambda path: path.encode(),
    "a path object": pathlib.Path,
    "a path beyond 28 bytes": lambda path: path + "x" * 60,
    "the longest path": lambda path: path + "x" * (107 - len(path)),
    "a path that is not ASCII": lambda path: path + "\u00e9\u20ac",
    "an abstract name": lambda path: f"\0mainspring-{os.getpid()}-text",
    "an abstract name in bytes": lambda path: b"\0mainspring-%d-\xff\0x" % os.getpid(),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_client_and_a_server_talk_by(name, path, unix, run):
    async def main():
        where = NAMES[name](path)
        await unix.serve(where)
        transport, client = await unix.connect(where)
        transport.write(b"hello")
        server = await unix.bench.first_accepted()
        assert await server.receives(5) == b"hello"
        server.transport.write(b"HELLO")
        assert await client.receives(5) == b"HELLO"
        transport.close()
        assert await server.lost() is None

    run(main())


@pytest.mark.parametrize("name", NAMES)
def test_addresses_are_those_of_the_sockets(name, path, unix, run):
    async def main():
        where = NAMES[name](path)
        server = await unix.serve(where)
        peer = unix.dial(os.fspath(where))
        protocol = await unix.bench.first_accepted()
        transport = protocol.transport
        address = server.sockets[0].getsockname()
        assert peer.getpeername() == address
        assert transport.get_extra_info("sockname") == address
        assert transport.get_extra_info("peername") == ""
        peer.close()
        await protocol.lost()
        await next_iteration(unix.loop)
        # Still known when the connection is gone.
        assert transport.get_extra_info("sockname") == address
        assert transport.get_extra_info("peername") == ""

        client, _ = await unix.connect(where)
        assert client.get_extra_info("sockname") == ""
        assert client.get_extra_info("peername") == address

    run(main())


def test_the_name_that_a_client_bound_is_its_address(path, unix, run):
    async def main():
        await unix.serve(path)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.bind(path + "-client-with-a-long-name" * 3)
            peer.connect(path)
            transport = (await unix.bench.first_accepted()).transport
            assert transport.get_extra_info("peername") == peer.getsockname()

    run(main())


def test_the_addresses_of_a_socket_pair_are_empty(unix, run):
    async def main():
        ours, peer = socket.socketpair()
        unix.bench.peers.append(peer)
        transport, _ = await unix.connect(sock=ours)
        assert transport.get_extra_info("sockname") == ""
        assert transport.get_extra_info("peername") == ""

    run(main())


def test_a_connected_socket_becomes_the_transports(unix, run):
    async def main():
        ours, peer = socket.socketpair()
        unix.bench.peers.append(peer)
        transport, protocol = await unix.connect(sock=ours)
        transport.write(b"x")
        await next_iteration(unix.loop)
        assert peer.recv(10) == b"x"
        transport.close()
        await protocol.lost()
        await next_iteration(unix.loop)
        assert ours.fileno() == -1

    run(main())


def test_a_connection_accepted_elsewhere_is_served(path, unix, run):
    async def main():
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            peer = unix.dial(path)
            accepted, _ = listening.accept()
        transport, protocol = await unix.loop.connect_accepted_socket(Recorder, accepted)
        unix.bench.transports.append(transport)
        peer.sendall(b"x")
        assert await protocol.receives(1) == b"x"

    run(main())


def test_a_bound_socket_is_served(path, unix, run):
    async def main():
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        server = await unix.serve(sock=sock)
        await unix.connect(path)
        await unix.bench.first_accepted()
        server.close()
        assert sock.fileno() == -1

    run(main())


def test_streams_run_over_a_unix_socket(path, unix, run):
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    def build():
        reader = asyncio.StreamReader()
        return asyncio.StreamReaderProtocol(reader, answer)

    async def main():
        await unix.serve(path, build)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"hello\n")
        assert await reader.read() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()

    run(main())


def test_the_end_of_one_side_is_the_end_of_file_of_the_other(path, unix, run):
    async def main():
        await unix.serve(path)
        transport, protocol = await unix.connect(path)
        server = await unix.bench.first_accepted()
        transport.write(b"last words")
        transport.write_eof()
        await server.seen("eof")
        assert bytes(server.received) == b"last words"
        await protocol.lost()

    run(main())


def test_a_peer_that_does_not_read_holds_the_writer_up(path, unix, run):
    async def main():
        await unix.serve(path)
        transport, protocol = await unix.connect(path)
        server = await unix.bench.first_accepted()
        server.transport.pause_reading()
        transport.write(bytes(2_000_000))
        await protocol.seen("pause")
        server.transport.resume_reading()
        await protocol.seen("resume")
        await server.receives(2_000_000)

    run(main())


def test_a_stale_socket_file_is_replaced(path, unix, run):
    async def main():
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        await unix.serve(path)
        await unix.connect(path)

    run(main())


def test_a_file_that_is_no_socket_is_not_replaced(path, unix, run):
    async def main():
        pathlib.Path(path).write_text("precious")
        with pytest.raises(OSError, match=f"Address '{path}' is already in use") as caught:
            await unix.serve(path)
        assert caught.value.errno == errno.EADDRINUSE
        assert pathlib.Path(path).read_text() == "precious"

    run(main())


def test_an_abstract_name_that_is_taken_is_refused(unix, run):
    async def main():
        name = f"\0mainspring-{os.getpid()}-taken"
        await unix.serve(name)
        with pytest.raises(OSError, match="is already in use") as caught:
            await unix.serve(name)
        assert caught.value.errno == errno.EADDRINUSE

    run(main())


class TestTheSocketFile:
    def test_goes_when_the_server_closes(self, path, our_unix, our_run):
        async def main():
            server = await our_unix.serve(path, cleanup_socket=True)
            assert stat.S_ISSOCK(os.stat(path).st_mode)
            server.close()
            assert not os.path.exists(path)

        our_run(main())

    def test_stays_or_goes_by_default_as_on_asyncio(self, path, unix, run):
        async def main():
            server = await unix.serve(path)
            server.close()
            assert os.path.exists(path) == (sys.version_info < (3, 13))

        run(main())

    def test_of_a_socket_that_was_bound_elsewhere_goes_too(self, path, our_unix, our_run):
        async def main():
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(path)
            server = await our_unix.serve(sock=sock, cleanup_socket=True)
            server.close()
            assert not os.path.exists(path)

        our_run(main())

    def test_stays_on_demand(self, path, our_unix, our_run):
        async def main():
            server = await our_unix.serve(path, cleanup_socket=False)
            server.close()
            assert os.path.exists(path)

        our_run(main())

    def test_of_another_server_in_the_same_place_stays(self, path, our_unix, our_run):
        async def main():
            first = await our_unix.serve(path, cleanup_socket=True)
            second = await our_unix.serve(path, cleanup_socket=True)
            first.close()
            await our_unix.connect(path)
            second.close()
            assert not os.path.exists(path)

        our_run(main())

    def test_may_be_gone_already(self, path, our_unix, our_run, caplog):
        async def main():
            server = await our_unix.serve(path, cleanup_socket=True)
            os.unlink(path)
            server.close()

        our_run(main())
        assert caplog.messages == []

    def test_is_found_from_another_working_folder(self, path, our_unix, our_run, tmp_path):
        async def main():
            server = await our_unix.serve(path, cleanup_socket=True)
            os.chdir("/")
            server.close()
            assert not (tmp_path / path).exists()

        our_run(main())

    def test_goes_when_the_server_can_not_begin(self, path, our_unix, our_run, monkeypatch):
        async def main():
            def refuse(self, backlog):
                raise OSError(errno.ENOBUFS, "no buffers")

            monkeypatch.setattr(socket.socket, "listen", refuse)
            with pytest.raises(OSError, match="no buffers"):
                await our_unix.serve(path, cleanup_socket=True)
            assert not os.path.exists(path)

        our_run(main())

    def test_that_can_not_be_removed_is_logged(self, path, our_unix, our_run, monkeypatch, caplog):
        async def main():
            def refuse(path):
                raise PermissionError(errno.EPERM, "not allowed")

            server = await our_unix.serve(path, cleanup_socket=True)
            with monkeypatch.context() as patch:
                patch.setattr(os, "unlink", refuse)
                with caplog.at_level(logging.ERROR):
                    server.close()
            assert not server.is_serving()

        our_run(main())
        assert [m for m in caplog.messages if path in m and "not allowed" in m]

    def test_has_the_permissions_asked_for(self, path, our_unix, our_run):
        async def main():
            await our_unix.serve(path, mode=0o601)
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o601

        our_run(main())

    def test_is_not_left_behind_when_its_permissions_can_not_be_set(self, path, our_unix, our_run):
        async def main():
            with pytest.raises(TypeError):
                await our_unix.serve(path, mode="u=rw")
            assert not os.path.exists(path)

        our_run(main())


def test_permissions_are_refused_where_there_is_no_file(our_unix, our_run):
    async def main():
        with pytest.raises(ValueError, match="names no file"):
            await our_unix.serve("\0mainspring-mode", mode=0o600)
        with (
            socket.socket(socket.AF_UNIX) as sock,
            pytest.raises(ValueError, match="only meaningful with path"),
        ):
            await our_unix.serve(sock=sock, mode=0o600)

    our_run(main())


@pytest.mark.parametrize("method", ["create_unix_server", "create_unix_connection"])
class TestRefused:
    def test_a_path_that_is_too_long(self, method, bench, run, tmp_path):
        async def main():
            long = str(tmp_path / ("x" * 200))
            before = open_files()
            with pytest.raises(OSError, match="AF_UNIX path too long"):
                await getattr(bench.loop, method)(Recorder, long)
            assert open_files() == before

        run(main())

    def test_a_path_that_is_too_long_by_name(self, method, our_bench, our_run):
        async def main():
            with pytest.raises(OSError, match=f"'{'x' * 108}'.* use a shorter") as caught:
                await getattr(our_bench.loop, method)(Recorder, "x" * 108)
            assert caught.value.errno == errno.ENAMETOOLONG

        our_run(main())

    def test_a_path_in_a_folder_that_is_not_there(self, method, path, bench, run):
        async def main():
            with pytest.raises(FileNotFoundError):
                await getattr(bench.loop, method)(Recorder, "nowhere/sock")

        run(main())

    def test_a_path_in_a_folder_that_is_not_there_by_name(self, method, path, our_bench, our_run):
        async def main():
            with pytest.raises(FileNotFoundError, match="nowhere/sock"):
                await getattr(our_bench.loop, method)(Recorder, "nowhere/sock")

        our_run(main())

    def test_a_path_with_a_socket(self, method, bench, run):
        async def main():
            with socket.socket(socket.AF_UNIX) as sock, pytest.raises(ValueError, match="path"):
                await getattr(bench.loop, method)(Recorder, "/test", sock=sock)

        run(main())

    def test_neither_a_path_nor_a_socket(self, method, bench, run):
        async def main():
            with pytest.raises(ValueError, match="path"):
                await getattr(bench.loop, method)(Recorder)

        run(main())

    @pytest.mark.parametrize(
        ("family", "kind"),
        [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM)],
    )
    def test_a_socket_of_another_kind(self, method, family, kind, bench, run):
        async def main():
            with (
                socket.socket(family, kind) as sock,
                pytest.raises(ValueError, match="A UNIX Domain Stream Socket was expected"),
            ):
                await getattr(bench.loop, method)(Recorder, sock=sock)

        run(main())

    def test_what_is_no_path(self, method, bench, run):
        async def main():
            with pytest.raises(TypeError):
                await getattr(bench.loop, method)(Recorder, 7)

        run(main())

    @pytest.mark.parametrize("option", ["ssl_handshake_timeout", "ssl_shutdown_timeout"])
    def test_a_timeout_of_tls_without_tls(self, method, option, bench, run):
        async def main():
            with pytest.raises(ValueError, match=option):
                await getattr(bench.loop, method)(Recorder, "/test", **{option: 1.0})

        run(main())


def test_a_server_hostname_without_tls_is_refused(bench, run):
    async def main():
        with pytest.raises(ValueError, match="server_hostname is only meaningful with ssl"):
            await bench.loop.create_unix_connection(Recorder, "/test", server_hostname="a.name")

    run(main())


def test_a_file_that_nobody_serves_refuses_the_connection(path, our_unix, our_run):
    async def main():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
            before = open_files()
            with pytest.raises(ConnectionRefusedError, match=f"can't connect to '{path}'"):
                await our_unix.connect(path)
            assert open_files() == before

    our_run(main())


def test_a_full_backlog_is_an_error_and_not_a_broken_connection(path, our_unix, our_run):
    """With asyncio it passes for a connection that then can't be read."""

    async def main():
        await our_unix.serve(path, start_serving=False)
        sock = socket.socket(socket.AF_UNIX)
        with sock:
            sock.bind(path + "2")
            sock.listen(0)
            waiting = our_unix.dial(path + "2")
            with pytest.raises(BlockingIOError, match=f"'{path}2'.*backlog is full"):
                await our_unix.connect(path + "2")
            waiting.close()

    our_run(main())


def test_a_server_closes_its_clients(path, our_unix, our_run):
    async def main():
        server = await our_unix.serve(path)
        _, protocol = await our_unix.connect(path)
        await our_unix.bench.first_accepted()
        server.close()
        server.close_clients()
        await server.wait_closed()
        assert await protocol.lost() is None

    our_run(main())


def test_connections_have_the_priority_of_their_server(path, our_unix, our_run):
    order = []

    class Noting(Recorder):
        def data_received(self, data):
            order.append("low")
            super().data_received(data)

    async def main():
        await our_unix.serve(path, Noting, priority=Priority.LOW)
        peer = our_unix.dial(path)
        protocol = await our_unix.bench.first_accepted()
        peer.sendall(b"x")

        def again(count):
            order.append("default")
            if count:
                our_unix.loop.call_soon(again, count - 1)

        again(5)
        await protocol.receives(1)

    our_run(main())
    assert order == ["default"] * 6 + ["low"]
