"""Requests: the environ of each, one connection for many, and bodies in every form."""

import asyncio

import pytest

from mainspring.green import await_, socket, spawn
from mainspring.green.wsgi import WSGIServer
from tests.green.helpers import soon, turns
from tests.green.wsgi.support import (
    CLOSE,
    HOST,
    LOCAL,
    TEXT,
    answering,
    chunked,
    connect,
    echo,
    exchange,
    get,
    next_response,
    post,
    receive_all,
)


def environ_of(run, data, **options):
    """Returns the environ that a request becomes."""
    application = answering(b"")
    run(lambda: exchange(application, data, **options))
    [environ] = application.environs
    return environ


def test_the_environ_says_what_the_request_line_says(run):
    environ = environ_of(run, b"PATCH /a%20b/%C3%A9?x=1&y=%20 HTTP/1.1\r\n" + CLOSE + b"\r\n")
    expected = {
        "REQUEST_METHOD": "PATCH",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\xc3\xa9",
        "QUERY_STRING": "x=1&y=%20",
        "RAW_URI": "/a%20b/%C3%A9?x=1&y=%20",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "test",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    assert {name: environ[name] for name in expected} == expected
    assert environ["SERVER_PORT"].isdigit()
    assert environ["REMOTE_PORT"].isdigit()


def test_headers_become_variables(run):
    headers = b"X-One: 1\r\nx-one: 2\r\nCookie: a=b\r\nCookie: c=d\r\nContent-Type: text/x\r\n"
    environ = environ_of(run, get("/", CLOSE.removeprefix(HOST), headers))
    assert environ["HTTP_X_ONE"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=b; c=d"
    assert environ["CONTENT_TYPE"] == "text/x"
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "CONTENT_LENGTH"} & environ.keys()


def test_a_header_with_an_underscore_cannot_pose_as_one_with_a_hyphen(run):
    headers = b"X_Forwarded_For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n"
    environ = environ_of(run, get("/", CLOSE.removeprefix(HOST), headers))
    assert environ["HTTP_X_FORWARDED_FOR"] == "10.0.0.2"


def test_the_host_of_an_absolute_target_holds(run):
    environ = environ_of(run, b"GET http://other:8080/path?q HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert environ["HTTP_HOST"] == "other:8080"
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/path", "q")


def test_what_the_server_was_given_for_the_environ_is_in_each(run):
    environ = environ_of(run, get("/", b"Connection: close\r\n"), environ={"app.name": "x"})
    assert environ["app.name"] == "x"


def test_a_unix_socket_has_a_name_and_a_port_all_the_same(run, tmp_path):
    application = answering(b"")
    path = str(tmp_path / "socket")

    def main():
        with WSGIServer(path, application), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(get("/", b"Connection: close\r\n"))
            receive_all(client)

    run(main)
    [environ] = application.environs
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
    assert "REMOTE_ADDR" not in environ


def test_one_connection_serves_request_after_request(run):
    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            answers = []
            for number in range(3):
                client.sendall(post(b"%d" % number))
                answers.append(next_response(client)[2])
            return answers

    assert run(main) == [b"0", b"1", b"2"]


def test_requests_that_come_together_are_answered_in_their_order(run):
    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            client.sendall(post(b"one") + chunked(b"t", b"wo") + get() + post(b"four"))
            return [next_response(client)[2] for _ in range(4)]

    assert run(main) == [b"one", b"two", b"", b"four"]


@pytest.mark.parametrize(
    ("request_", "keeps"),
    [
        (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", True),
        (b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n", False),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Connection: x, Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_the_connection_is_kept_if_the_client_wishes_so(run, request_, keeps):
    def main():
        with WSGIServer(LOCAL, answering(b"x")) as server, connect(server) as client:
            client.sendall(request_)
            _, headers, _ = next_response(client)
            if keeps:
                client.sendall(get("/", b"Connection: close\r\n"))
                next_response(client)
            return headers.get("Connection"), client.recv(1)

    said = {True: "keep-alive" if b"1.0" in request_ else None, False: "close"}
    assert run(main) == (said[keeps], b"")


def test_without_keepalive_each_connection_has_one_request(run):
    def main():
        answer = exchange(answering(b"x"), get(), keepalive_timeout=0)
        return b"Connection: close\r\n" in answer

    assert run(main)


def test_a_connection_that_is_idle_for_too_long_is_closed(run):
    def main():
        server = WSGIServer(LOCAL, answering(b"x"), keepalive_timeout=0.001)
        with server, connect(server) as client:
            client.sendall(get())
            return next_response(client)[0], client.recv(1)

    assert run(main) == (200, b"")


def test_requests_of_several_connections_wait_side_by_side(run):
    def main():
        order = []

        def application(environ, start_response):
            order.append("begin")
            turns(20)
            order.append("end")
            start_response("200 OK", TEXT)
            return [b""]

        with WSGIServer(LOCAL, application) as server:
            data = get("/", b"Connection: close\r\n")
            threads = [spawn(ask, server, data) for _ in range(3)]
            for thread in threads:
                thread.get()
        return order

    assert run(main) == ["begin"] * 3 + ["end"] * 3


def ask(server, data):
    with connect(server) as client:
        client.sendall(data)
        return receive_all(client)


def test_an_application_may_wait_for_a_coroutine(run):
    async def look_up():
        return await soon(b"from a coroutine")

    def application(environ, start_response):
        body = await_(look_up())
        start_response("200 OK", TEXT)
        return [body]

    data = get("/", b"Connection: close\r\n")
    assert run(lambda: exchange(application, data)).endswith(b"\r\n\r\nfrom a coroutine")


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_body_arrives_whole_however_it_is_cut(run, step):
    body = bytes(range(256)) * 4

    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            answers = []
            for data in (post(body), chunked(body[:100], body[100:], trailer=b"X: y\r\n")):
                for start in range(0, len(data), step):
                    client.send(data[start : start + step])
                answers.append(next_response(client)[2])
            return answers

    assert run(main) == [body, body]


def test_what_nobody_reads_of_a_body_is_no_request(run):
    def main():
        with WSGIServer(LOCAL, answering(b"x")) as server, connect(server) as client:
            client.sendall(post(get("/smuggled")) + get("/", b"Connection: close\r\n"))
            return receive_all(client).count(b"HTTP/1.1 200 OK")

    assert run(main) == 2


def test_the_connection_ends_when_too_much_of_a_body_is_left(run):
    def main():
        with WSGIServer(LOCAL, answering(b"x")) as server, connect(server) as client:
            sending = spawn(client.sendall, post(bytes(1_000_000)))
            answer = receive_all(client)
            sending.get()
            return answer.count(b"HTTP/1.1 200 OK"), answer.endswith(b"\r\n\r\nx")

    assert run(main) == (1, True)


def test_a_client_sends_no_more_than_the_application_reads(run):
    def main():
        read, go_on = [], asyncio.Event()

        def application(environ, start_response):
            read.append(environ["wsgi.input"].read(1000))
            start_response("200 OK", TEXT)
            yield b"began"
            await_(go_on.wait())
            read.append(environ["wsgi.input"].read())

        server = WSGIServer(LOCAL, application)
        with server, connect(server) as client:
            sending = spawn(client.sendall, post(bytes(20_000_000)))
            until_received(client, b"began")
            turns(50)
            was_waiting = not sending.done()
            go_on.set()
            receive_chunks(client)
            sending.get()
            return was_waiting, len(read[0]) + len(read[1])

    assert run(main) == (True, 20_000_000)


def until_received(client, text):
    received = b""
    while text not in received:
        received += client.recv(1000)


def receive_chunks(client):
    received = b""
    while not received.endswith(b"0\r\n\r\n"):
        received += client.recv(1000)


def test_a_client_that_asks_first_is_told_to_go_on_when_the_body_is_read(run):
    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            head, body = post(b"body", b"Expect: 100-continue\r\n")[:-4], b"body"
            client.sendall(head)
            said = client.recv(1000)
            client.sendall(body)
            return said, next_response(client)[2]

    assert run(main) == (b"HTTP/1.1 100 Continue\r\n\r\n", b"body")


def test_a_client_that_asks_first_is_not_told_to_go_on_for_nothing(run):
    def main():
        head = post(b"body", b"Expect: 100-continue\r\n")[:-4]
        return exchange(answering(b"no", status="403 Forbidden"), head)

    answer = run(main)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"Connection: close\r\n" in answer


def test_a_client_that_asks_first_and_sends_at_once_is_not_told(run):
    def main():
        data = post(b"body", b"Expect: 100-continue\r\n", b"Connection: close\r\n")
        return exchange(echo, data)

    assert run(main).startswith(b"HTTP/1.1 200 OK")


def test_an_expectation_that_is_not_known_is_refused(run):
    answer = run(lambda: exchange(echo, get("/", b"Expect: magic\r\n")))
    assert answer.startswith(b"HTTP/1.1 417 ")


UPGRADE = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"


def test_an_upgrade_is_answered_in_the_protocol_that_is_spoken(run):
    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            client.sendall(get("/", UPGRADE) + post(b"one", UPGRADE))
            client.sendall(chunked(b"t", b"wo", more=UPGRADE) + post(b"three"))
            return [next_response(client)[2] for _ in range(4)]

    assert run(main) == [b"", b"one", b"two", b"three"]


def test_a_client_that_leaves_within_its_body_fails_the_read(run):
    def main():
        seen = []

        def application(environ, start_response):
            try:
                environ["wsgi.input"].read()
            except OSError as exc:
                seen.append(exc)
                raise
            return []

        with WSGIServer(LOCAL, application) as server:
            with connect(server) as client:
                client.sendall(post(b"body")[:-1])
            while not seen:
                turns()
        return str(seen[0])

    assert "before it had sent all of the body" in run(main)


def test_a_client_that_leaves_without_a_request_is_no_error(run, caplog):
    def main():
        with WSGIServer(LOCAL, echo) as server:
            connect(server).close()
            turns(20)

    caplog.set_level("INFO", "mainspring")
    run(main)
    assert caplog.records == []
