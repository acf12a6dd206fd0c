"""`StreamServer` and `listen`: connections in green threads, bounded, in TLS, and to the end."""

import asyncio
import contextlib
import errno
import os
import socket as stdlib
import ssl as stdlib_ssl

import pytest

import mainspring
from mainspring import Priority
from mainspring.green import Pool, await_, green, sleep, socket, spawn, ssl
from mainspring.green.server import StreamServer, listen
from tests.green.helpers import never, turns
from tests.net.support import PATIENCE, no_fd_left
from tests.net.tls_support import CERTIFICATES, NAME, client_context

LOCAL = ("127.0.0.1", 0)


def echo(connection, address):
    while data := connection.recv(1000):
        connection.sendall(data)


def connect(server):
    return socket.create_connection(server.address, PATIENCE)


def ask(address, data=b"hello"):
    """Sends something to an echo server, and returns what comes back."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        chunks = []
        while chunk := client.recv(1000):
            chunks.append(chunk)
        return b"".join(chunks)


def reports():
    """Returns the list into which the running loop's errors go from now on."""
    reported = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    return reported


def test_each_connection_is_served_in_a_green_thread_of_its_own(run):
    def main():
        with StreamServer(LOCAL, echo) as server:
            threads = [spawn(ask, server.address, b"%d" % number) for number in range(10)]
            return [thread.get() for thread in threads]

    assert run(main) == [b"%d" % number for number in range(10)]


def test_the_connection_is_closed_when_its_handler_has_returned(run):
    def main():
        with (
            StreamServer(LOCAL, lambda connection, address: None) as server,
            connect(server) as client,
        ):
            return client.recv(1)

    assert run(main) == b""


def test_the_handler_is_told_the_address_of_the_peer(run):
    def main():
        seen = []
        with (
            StreamServer(LOCAL, lambda connection, address: seen.append(address)) as server,
            connect(server) as client,
        ):
            client.recv(1)
            return seen == [client.getsockname()]

    assert run(main)


def test_a_subclass_may_define_the_handler(run):
    class Server(StreamServer):
        def handle(self, connection, address):
            echo(connection, address)

    def main():
        with Server(LOCAL) as server:
            return ask(server.address)

    assert run(main) == b"hello"


def test_a_server_is_started_and_stopped_in_a_coroutine(run):
    async def main():
        async with StreamServer(LOCAL, echo) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(b"hello")
            answer = await reader.readexactly(5)
            writer.close()
            await writer.wait_closed()
            return answer, server.started, server

    answer, started, server = run(main)
    assert (answer, started, server.started, server.closed) == (b"hello", True, False, True)


def test_a_server_needs_a_loop_to_start():
    server = StreamServer(LOCAL, echo)
    with pytest.raises(RuntimeError, match="no running event loop"):
        server.start()


def test_serve_forever_ends_when_the_server_is_stopped(run):
    def main():
        server = StreamServer(LOCAL, echo)
        serving = spawn(server.serve_forever)
        turns()
        answer = ask(server.address)
        server.stop()
        serving.get()
        return answer

    assert run(main) == b"hello"


def test_serve_forever_stops_the_server_when_it_is_killed(run):
    def main():
        server = StreamServer(LOCAL, echo)
        serving = spawn(server.serve_forever)
        turns()
        serving.kill()
        return server.started, server.closed, serving.cancelled()

    assert run(main) == (False, True, True)


def test_a_handler_that_has_begun_ends_before_stop_returns(run):
    def main():
        order = []

        def handle(connection, address):
            connection.sendall(b"begun")
            order.append(connection.recv(100))

        server = StreamServer(LOCAL, handle)
        server.stop_timeout = None
        server.start()
        with connect(server) as client:
            client.recv(100)
            stopping = spawn(server.stop)
            turns()
            order.append("stopping")
            client.sendall(b"end")
            stopping.get()
        return order

    assert run(main) == ["stopping", b"end"]


def test_a_handler_that_has_not_ended_in_time_is_killed(run):
    def main():
        server = StreamServer(LOCAL, lambda connection, address: connection.recv(1))
        server.start()
        with connect(server) as client:
            until(lambda: server.connection_count == 1)
            server.stop(timeout=0)
            return client.recv(1), server.connection_count

    assert run(main) == (b"", 0)


def until(holds):
    """Lets others run until a condition holds."""
    while not holds():
        sleep(0)


def test_a_connection_whose_handler_never_began_is_closed(run):
    def main():
        server = StreamServer(LOCAL, echo, spawn=lambda *args: spawn(lambda: await_(never())))
        server.start()
        with connect(server) as client:
            until(lambda: server.connection_count == 1)
            server.stop(timeout=0)
            return client.recv(1)

    assert run(main) == b""


def test_handlers_go_on_when_the_server_is_closed(run):
    def main():
        server = StreamServer(LOCAL, echo)
        server.start()
        with connect(server) as client:
            client.sendall(b"1")
            client.recv(1)
            address = server.address
            server.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
            client.sendall(b"2")
            return client.recv(1)

    assert run(main) == b"2"


def test_a_handler_may_stop_its_own_server(run):
    def main():
        server = StreamServer(LOCAL, lambda connection, address: server.stop())
        server.serve_forever_in = spawn(server.serve_forever)
        turns()
        with connect(server) as client:
            received = client.recv(1)
        server.serve_forever_in.get()
        return received

    assert run(main) == b""


def test_a_server_starts_again_where_it_was(run):
    def main():
        with StreamServer(LOCAL, echo) as server:
            port = server.server_port
        again = StreamServer(("127.0.0.1", port), echo)
        answers = []
        for _ in range(2):
            with again:
                answers.append((ask(again.address), again.server_port == port))
        return answers

    assert run(main) == [(b"hello", True)] * 2


@pytest.mark.parametrize("bound", [1, "Pool"])
def test_no_more_connections_are_accepted_than_there_is_room_for(run, bound):
    def main():
        most = []

        def handle(connection, address):
            most.append(server.connection_count)
            echo(connection, address)

        server = StreamServer(LOCAL, handle, spawn=Pool(1) if bound == "Pool" else bound)
        with server:
            first = connect(server)
            first.sendall(b"1")
            answers = [first.recv(1)]
            # It is the system that takes it: nobody serves it yet.
            with connect(server) as second:
                second.sendall(b"2")
                turns(20)
                count = server.connection_count
                first.close()
                answers.append(second.recv(1))
        return answers, count, most

    assert run(main) == ([b"1", b"2"], 1, [1, 1])


def test_one_pool_bounds_two_servers(run):
    def main():
        pool = Pool(1)
        with (
            StreamServer(LOCAL, echo, spawn=pool) as one,
            StreamServer(LOCAL, echo, spawn=pool) as other,
        ):
            with connect(one) as first:
                first.sendall(b"1")
                first.recv(1)
                asking = spawn(ask, other.address, b"2")
                turns(20)
                early = asking.done()
            return early, asking.get()

    assert run(main) == (False, b"2")


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_of_no_connections_is_refused(bound):
    with pytest.raises(ValueError, match=f"got {bound}"):
        StreamServer(LOCAL, echo, spawn=bound)


def test_an_unknown_way_to_spawn_is_refused():
    with pytest.raises(TypeError, match="got 'raw'"):
        StreamServer(LOCAL, echo, spawn="raw")


def test_what_a_handler_raises_is_reported_with_the_peers_address(run):
    def main():
        reported = reports()

        def handle(connection, address):
            raise ValueError("from the handler")

        with StreamServer(LOCAL, handle) as server, connect(server) as client:
            client.recv(1)
            name = client.getsockname()
        return reported, name

    [report], name = run(main)
    assert str(report["exception"]) == "from the handler"
    assert report["peername"] == name
    assert str(name) in report["message"]


def test_the_priority_of_a_server_is_that_of_its_handlers():
    def main():
        with (
            StreamServer(LOCAL, handle, priority=Priority.LOW) as server,
            connect(server) as client,
        ):
            return client.recv(10)

    def handle(connection, address):
        task = asyncio.current_task()
        connection.sendall(mainspring.get_priority(task).name.encode())

    assert mainspring.run(main) == b"LOW"


def test_a_server_listens_at_a_path_and_takes_its_file_away(run, tmp_path):
    path = str(tmp_path / "socket")

    def main():
        with StreamServer(path, echo) as server:
            return ask(path), server.address, server.server_port, server.server_host

    assert run(main) == (b"hello", path, None, None)
    assert not os.path.exists(path)


def test_the_file_of_a_server_that_died_is_replaced(run, tmp_path):
    path = str(tmp_path / "socket")
    with stdlib.socket(stdlib.AF_UNIX) as stale:
        stale.bind(path)

    def main():
        with StreamServer(path, echo):
            return ask(path)

    assert run(main) == b"hello"


def test_a_socket_that_listens_is_taken_over_and_closed(run):
    listener = stdlib.create_server(LOCAL)

    def main():
        with StreamServer(listener, echo) as server:
            return ask(server.address)

    assert run(main) == b"hello"
    assert listener.fileno() == -1


def test_the_error_for_an_address_that_is_taken_names_it(run):
    def main():
        with StreamServer(LOCAL, echo) as server:
            with pytest.raises(OSError, match=str(server.server_port)) as error:
                StreamServer(server.address, echo).start()
            return error.value.errno

    assert run(main) == errno.EADDRINUSE


def test_out_of_fds_the_server_pauses_says_so_once_and_goes_on(run):
    class Listener(socket.socket):
        tries = 0

        def accept(self):
            self.tries += 1
            return super().accept()

    def main():
        reported = reports()
        listener = Listener()
        listener.bind(LOCAL)
        listener.listen()
        with socket.socket() as client, StreamServer(listener, echo) as server:
            client.settimeout(PATIENCE)
            with no_fd_left():
                client.connect(server.address)
                until(lambda: listener.tries >= 3)
            client.sendall(b"hello")
            return client.recv(10), [report["exception"].errno for report in reported]

    assert run(main) == (b"hello", [errno.EMFILE])


def tls_ask(server, context=None):
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(CERTIFICATES / "authority.pem")
    with (
        connect(server) as plain,
        context.wrap_socket(plain, server_hostname=NAME, suppress_ragged_eofs=False) as client,
    ):
        client.sendall(b"hello")
        answer = client.recv(100)
        client.sendall(b"bye")
        return answer, client.recv(100)


def shout_once(connection, address):
    connection.sendall(connection.recv(100).upper())


@pytest.mark.parametrize("given", ["files", "green context", "stdlib context"])
def test_connections_are_encrypted_and_end_with_a_goodbye(run, given):
    certificate = str(CERTIFICATES / "server.pem")
    if given == "files":
        arguments = {"certfile": certificate}
    else:
        module = ssl if given == "green context" else stdlib_ssl
        arguments = {"ssl_context": module.SSLContext(module.PROTOCOL_TLS_SERVER)}
        arguments["ssl_context"].load_cert_chain(certificate)

    def main():
        with StreamServer(LOCAL, shout_once, **arguments) as server:
            return tls_ask(server)

    assert run(main) == (b"HELLO", b"")


def test_a_peer_that_speaks_no_tls_is_dropped_and_others_are_served(run):
    def main():
        reported = reports()
        certificate = str(CERTIFICATES / "server.pem")
        with StreamServer(LOCAL, shout_once, certfile=certificate) as server:
            with connect(server) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(100):
                        pass
            return tls_ask(server), reported

    assert run(main) == ((b"HELLO", b""), [])


def test_a_handshake_that_takes_too_long_is_given_up(run):
    def main():
        certificate = str(CERTIFICATES / "server.pem")
        with (
            StreamServer(
                LOCAL, shout_once, certfile=certificate, ssl_handshake_timeout=0
            ) as server,
            connect(server) as client,
        ):
            return client.recv(100)

    assert run(main) == b""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"keyfile": "key.pem"}, "certfile is missing"),
        ({"certificate": "cert.pem"}, "certificate: not known"),
        ({"ssl_context": client_context(), "certfile": "cert.pem"}, "certfile can't be given"),
    ],
)
def test_arguments_of_tls_that_make_no_sense_are_refused(arguments, says):
    with pytest.raises(TypeError, match=says):
        StreamServer(LOCAL, echo, **arguments)


ADDRESSES = {
    "a host and a port": (("127.0.0.1", 0), "127.0.0.1"),
    "a name": (("localhost", 0), "127.0.0.1"),
    "a string": ("127.0.0.1:0", "127.0.0.1"),
    "a port in a string": (":0", "::"),
    "a port": (0, "::"),
    "all interfaces": (("", 0), "::"),
    "IPv6": ("[::1]:0", "::1"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_listen_takes_an_address_as(run, name):
    address, host = ADDRESSES[name]
    if ":" in host and not stdlib.has_dualstack_ipv6():
        pytest.skip("there is no IPv6")
    family = socket.AF_INET if name == "a name" else None

    def main():
        with listen(address, family) as listener:
            return listener.getsockname()[0], type(listener)

    assert run(main) == (host, socket.socket)


@pytest.mark.parametrize("form", ["path", "bytes", "unix:", "Path"])
def test_listen_takes_a_path_as(run, form, tmp_path):
    path = tmp_path / "socket"
    address = {"path": str(path), "bytes": bytes(path), "unix:": f"unix:{path}", "Path": path}[form]

    def main():
        with listen(address) as listener:
            return listener.getsockname()

    assert run(main) == str(path)


@pytest.mark.parametrize(
    "address", ["localhost", "host:http", "::1:80", ("host",), 1.5, True, None, ("host", "80")]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="can't listen at"):
        listen(address)


def test_a_green_thread_waits_for_a_handler_started_elsewhere(run):
    async def main():
        server = StreamServer(LOCAL, echo)
        server.start()
        answer = await green(ask, server.address)
        await green(server.stop)
        return answer

    assert run(main) == b"hello"
