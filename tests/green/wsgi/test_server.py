"""The server: its logs, its end, its bounds, and its priority."""

import asyncio
import logging

import pytest

import mainspring
from mainspring import Priority
from mainspring.green import GreenletExit, Timeout, await_, sleep, socket, spawn
from mainspring.green.wsgi import WSGIServer
from tests.green.helpers import never, turns
from tests.green.wsgi.support import (
    HOST,
    LOCAL,
    TEXT,
    answering,
    connect,
    connect_tls,
    echo,
    exchange,
    get,
    next_response,
    receive_all,
)
from tests.net.tls_support import CERTIFICATES

LAST = get("/", b"Connection: close\r\n")


class Gate:
    """An application that waits until it is let through, and tells that it has begun."""

    def __init__(self):
        self.begun, self.open = asyncio.Event(), asyncio.Event()

    def __call__(self, environ, start_response):
        self.begun.set()
        await_(self.open.wait())
        start_response("200 OK", TEXT)
        return [b"finished"]


def stop_within(server, client, gate):
    """Stops a server while it answers a request; returns the answer."""
    client.sendall(get())
    await_(gate.begun.wait())
    stopping = spawn(server.stop)
    turns()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(client.getpeername())
    gate.open.set()
    stopping.get()
    return receive_all(client)


def test_what_is_under_way_is_finished_when_the_server_stops(run):
    def main():
        gate = Gate()
        server = WSGIServer(LOCAL, gate)
        server.start()
        with connect(server) as client:
            return stop_within(server, client, gate), server.connection_count

    answer, count = run(main)
    assert answer.endswith(b"\r\n\r\nfinished")
    assert b"Connection: close\r\n" in answer
    assert count == 0


def test_what_is_under_way_over_tls_is_finished_too(run):
    def main():
        gate = Gate()
        server = WSGIServer(LOCAL, gate, certfile=str(CERTIFICATES / "server.pem"))
        server.start()
        with connect_tls(server) as client:
            return stop_within(server, client, gate)

    assert run(main).endswith(b"\r\n\r\nfinished")


@pytest.mark.parametrize("connecting", [connect, connect_tls])
def test_an_idle_connection_ends_at_once_when_the_server_stops(run, connecting):
    def main():
        options = {"certfile": str(CERTIFICATES / "server.pem")}
        server = WSGIServer(LOCAL, echo, **(options if connecting is connect_tls else {}))
        server.stop_timeout = None
        server.start()
        with connecting(server) as client:
            client.sendall(get())
            next_response(client)
            server.stop()
            return client.recv(1)

    assert run(main) == b""


def test_a_request_that_is_coming_is_answered_when_the_server_stops(run):
    def main():
        server = WSGIServer(LOCAL, echo)
        server.start()
        with connect(server) as client:
            client.sendall(get()[:-2])
            while not server.connection_count:
                sleep(0)
            turns(10)
            stopping = spawn(server.stop)
            turns()
            client.sendall(b"\r\n")
            stopping.get()
            return receive_all(client)

    answer = run(main)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer


def test_what_does_not_end_in_time_is_killed(run, caplog):
    def main():
        ended = []

        def application(environ, start_response):
            try:
                await_(never())
            except GreenletExit:
                ended.append("killed")
                raise

        server = WSGIServer(LOCAL, application)
        server.start()
        with connect(server) as client:
            client.sendall(get())
            while not server.connection_count:
                sleep(0)
            turns(10)
            server.stop(timeout=0)
            return ended, client.recv(1)

    assert run(main) == (["killed"], b"")
    assert caplog.records == []


def test_the_access_log_has_a_line_for_each_request(run, caplog):
    caplog.set_level("INFO", "mainspring.wsgi.access")
    data = get('/x"y', b'Referer: here\r\nUser-Agent: a "b\r\n', b"Connection: close\r\n")
    run(lambda: exchange(answering(b"hello", status="201 Created"), data))
    [record] = caplog.records
    line = record.getMessage()
    assert line.startswith("127.0.0.1 - - [")
    assert '] "GET /x\\"y HTTP/1.1" 201 5 "here" "a \\"b" 0.' in line
    assert (record.environ["PATH_INFO"], record.response.sent) == ('/x"y', 5)


def test_a_log_of_the_users_own_may_be_given_and_left_out(run, caplog):
    caplog.set_level("INFO")
    run(lambda: exchange(answering(b""), LAST, log=logging.getLogger("mine")))
    run(lambda: exchange(answering(b""), LAST, log=None))
    assert [record.name for record in caplog.records] == ["mine"]


def test_what_is_written_to_wsgi_errors_is_logged_by_lines(run, caplog):
    def application(environ, start_response):
        errors = environ["wsgi.errors"]
        errors.write("one\ntw")
        errors.writelines(["o\n", "three"])
        errors.flush()
        start_response("200 OK", TEXT)
        return []

    run(lambda: exchange(application, LAST))
    assert [record.getMessage() for record in caplog.records] == ["one", "two", "three"]
    assert {record.name for record in caplog.records} == {"mainspring.wsgi"}


def test_a_timeout_of_the_applications_own_is_an_error_of_its(run, caplog):
    def application(environ, start_response):
        with Timeout(0):
            await_(never())

    answer = run(lambda: exchange(application, LAST))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert "GET '/' from 127.0.0.1 failed" in caplog.text


def test_the_priority_of_the_server_is_that_of_its_requests():
    def application(environ, start_response):
        start_response("200 OK", TEXT)
        return [mainspring.get_priority(asyncio.current_task()).name.encode()]

    def main():
        return exchange(application, LAST, priority=Priority.HIGH)

    assert mainspring.run(main).endswith(b"\r\n\r\nHIGH")


def test_a_number_bounds_the_connections(run):
    def main():
        with WSGIServer(LOCAL, echo, spawn=1) as server, connect(server) as first:
            first.sendall(get())
            next_response(first)
            with connect(server) as second:
                second.sendall(LAST)
                turns(20)
                count = server.connection_count
                first.close()
                return count, receive_all(second).startswith(b"HTTP/1.1 200 OK")

    assert run(main) == (1, True)


def test_a_server_is_served_from_a_coroutine(run):
    async def main():
        async with WSGIServer(LOCAL, answering(b"hello")) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    assert run(main).endswith(b"\r\n\r\nhello")


def test_what_is_no_application_is_refused():
    with pytest.raises(TypeError, match="an application is called, which 'app:app' can't be"):
        WSGIServer(LOCAL, "app:app")


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="max_header: not known to the server"):
        WSGIServer(LOCAL, echo, max_header=1)
