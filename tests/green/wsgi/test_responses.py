"""Responses: what PEP 3333 lets an application do, what it doesn't, and how bodies end."""

import io
import os
import sys
from wsgiref.validate import validator

import pytest

from mainspring.green import sleep
from mainspring.green.wsgi import FileWrapper, WSGIServer
from tests.green.wsgi.support import (
    LOCAL,
    TEXT,
    answering,
    connect,
    connect_tls,
    exchange,
    get,
    next_response,
    receive_all,
)
from tests.net.support import reset
from tests.net.tls_support import CERTIFICATES

LAST = get("/", b"Connection: close\r\n")
HEAD = LAST.replace(b"GET", b"HEAD", 1)
OLD = b"GET / HTTP/1.0\r\n\r\n"


def parts(answer):
    """Returns the status line, the header lines and the body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    return status, lines, body


def answer_to(run, application, data=LAST, **options):
    return parts(run(lambda: exchange(application, data, **options)))


def test_a_response_is_to_the_rules_of_pep_3333(run):
    application = validator(answering(b"one ", b"two", as_list=False))
    status, lines, body = answer_to(run, application)
    assert status == "HTTP/1.1 200 OK"
    assert "Transfer-Encoding: chunked" in lines
    assert body == b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"


def test_the_server_adds_the_date_and_its_name_unless_the_application_has(run):
    _, lines, _ = answer_to(run, answering(b""))
    assert [line.split(":")[0] for line in lines] == [
        *("Content-Type", "Date", "Server", "Content-Length", "Connection"),
    ]
    own = [("Date", "today"), ("Server", "mine")]
    _, lines, _ = answer_to(run, answering(b"", headers=own))
    assert lines[:2] == ["Date: today", "Server: mine"]
    assert len(lines) == 4


@pytest.mark.parametrize("body", [[], [b""], [b"abc"], [b"a", b"", b"bc"]])
def test_the_length_of_a_list_is_known(run, body):
    _, lines, sent = answer_to(run, answering(*body))
    assert f"Content-Length: {len(b''.join(body))}" in lines
    assert sent == b"".join(body)


def test_an_empty_iterator_is_an_empty_body(run):
    _, lines, body = answer_to(run, answering(as_list=False))
    assert "Content-Length: 0" in lines
    assert body == b""


def test_without_a_length_a_body_for_http_1_0_ends_with_the_connection(run):
    keep = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    _, lines, body = answer_to(run, answering(b"a", b"b", as_list=False), keep)
    assert "Connection: close" in lines
    assert not any("Transfer-Encoding" in line for line in lines)
    assert body == b"ab"


@pytest.mark.parametrize("as_list", [True, False])
def test_the_response_to_head_has_no_body(run, as_list):
    _, lines, body = answer_to(run, answering(b"abc", as_list=as_list), HEAD)
    assert body == b""
    assert ("Content-Length: 3" in lines) == as_list


def test_the_response_to_head_has_the_length_that_the_application_says(run):
    application = answering(headers=[("Content-Length", "1000")])
    _, lines, body = answer_to(run, application, HEAD)
    assert "Content-Length: 1000" in lines
    assert body == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_status_without_a_body_has_none_nor_a_length(run, status):
    def main():
        with WSGIServer(LOCAL, application) as server, connect(server) as client:
            client.sendall(get() + LAST)
            return receive_all(client)

    application = answering(b"body", status=status, headers=[])
    answer = run(main)
    assert answer.count(b"HTTP/1.1 " + status.encode()) == 2
    assert b"body" not in answer
    assert b"Content-Length" not in answer
    assert b"Transfer-Encoding" not in answer


def test_write_sends_before_the_application_returns(run):
    def application(environ, start_response):
        write = start_response("200 OK", TEXT)
        write(b"written ")
        return [b"returned"]

    _, _, body = answer_to(run, validator(application))
    assert body == b"8\r\nwritten \r\n8\r\nreturned\r\n0\r\n\r\n"


def test_a_response_may_be_replaced_as_long_as_nothing_is_sent(run):
    def application(environ, start_response):
        start_response("200 OK", TEXT)
        try:
            raise ValueError
        except ValueError:
            start_response("500 Oh No", [("X", "y")], sys.exc_info())
        return [b"sorry"]

    status, lines, body = answer_to(run, application)
    assert (status, lines[0], body) == ("HTTP/1.1 500 Oh No", "X: y", b"sorry")


def test_an_error_after_the_head_was_sent_is_raised_again_and_cuts_the_connection(run, caplog):
    def application(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"begun"
        try:
            raise ValueError("too late")
        except ValueError:
            start_response("500 Oh No", TEXT, sys.exc_info())

    _, _, body = answer_to(run, application, get())
    # The last chunk is missing: who reads it knows that it isn't whole.
    assert body == b"5\r\nbegun\r\n"
    assert "too late" in caplog.text


def raising(environ, start_response):
    raise ValueError("from the application")


def not_starting(environ, start_response):
    return [b"body"]


def starting_twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)


def returning_text(environ, start_response):
    start_response("200 OK", TEXT)
    return iter(["text"])


def returning_nothing(environ, start_response):
    start_response("200 OK", TEXT)


def reading_too_little(environ, start_response):
    start_response("200 OK", TEXT)
    raise OSError("a disk of the application's")


WRONG = [raising, not_starting, starting_twice, returning_text, returning_nothing]
WRONG += [reading_too_little]


@pytest.mark.parametrize("application", WRONG)
def test_what_an_application_does_wrong_is_logged_and_answered_with_500(run, caplog, application):
    status, lines, body = answer_to(run, application, get())
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert "Connection: close" in lines
    assert body == b"500 Internal Server Error\n"
    assert "GET '/' from 127.0.0.1 failed" in caplog.text


HEADERS = [
    ("200 OK", [("X", "a\r\nSet-Cookie: b")]),
    ("200 OK", [("X\r\nY", "a")]),
    ("200 OK", [("X:", "a")]),
    ("200 OK", [("", "a")]),
    ("200 OK", [("X", b"a")]),
    ("200 OK", [("X", "€")]),
    ("200 OK", [("Transfer-Encoding", "chunked")]),
    ("200 OK", [("Content-Length", "-1")]),
    ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]),
    ("200 OK\r\nX: y", []),
    ("200", []),
    ("OK", []),
    ("100 Continue", []),
    (200, []),
]


@pytest.mark.parametrize(("status", "headers"), HEADERS)
def test_no_header_makes_another(run, status, headers):
    answer = run(lambda: exchange(answering(b"", status=status, headers=headers), get()))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"X" not in answer


def test_an_application_may_end_the_connection(run):
    _, lines, _ = answer_to(run, answering(b"", headers=[("connection", "close")]), get())
    assert [line for line in lines if "onnection" in line] == ["Connection: close"]


@pytest.mark.parametrize("as_list", [True, False])
def test_a_body_longer_than_its_length_is_cut_and_reported(run, caplog, as_list):
    application = answering(b"abc", b"def", headers=[("Content-Length", "4")], as_list=as_list)
    _, _, body = answer_to(run, application, get())
    assert body == b"abcd"
    assert "2 bytes longer than its Content-Length, 4" in caplog.text


def test_a_body_shorter_than_its_length_ends_the_connection_and_is_reported(run, caplog):
    application = answering(b"abc", headers=[("Content-Length", "4")])
    _, _, body = answer_to(run, application, get())
    assert body == b"abc"
    assert "the body has 3 bytes, and its Content-Length is 4" in caplog.text


class Closing:
    """A result that knows whether it has been closed."""

    def __init__(self, *parts):
        self.parts = parts
        self.is_closed = False

    def __iter__(self):
        yield from self.parts

    def close(self):
        self.is_closed = True


def returning(result):
    def application(environ, start_response):
        start_response("200 OK", TEXT)
        return result

    return application


@pytest.mark.parametrize("part", [b"fine", "not bytes"])
def test_the_result_is_closed_however_the_response_ends(run, part):
    result = Closing(part)
    answer_to(run, returning(result))
    assert result.is_closed


def test_the_result_is_closed_when_the_client_has_gone(run, caplog):
    result = Closing(*[bytes(100_000)] * 1000)

    def main():
        with WSGIServer(LOCAL, returning(result)) as server:
            client = connect(server)
            client.sendall(get())
            client.recv(1)
            reset(client)

    run(main)
    assert result.is_closed
    assert caplog.records == []


def test_a_client_that_takes_nothing_is_left(run):
    result = Closing(*[bytes(100_000)] * 1000)

    def main():
        server = WSGIServer(LOCAL, returning(result), send_timeout=0.001)
        with server, connect(server) as client:
            client.sendall(get())
            while server.connection_count or not result.is_closed:
                sleep(0)

    run(main)
    assert result.is_closed


CONTENT = bytes(range(256)) * 3000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"skipped" + CONTENT)
    with open(path, "rb") as opened:
        opened.seek(len(b"skipped"))
        yield opened


def wrapping(file, headers=TEXT):
    def application(environ, start_response):
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](file, 1000)

    return application


def test_a_file_is_sent_by_the_system_from_where_it_stands(run, file, monkeypatch):
    # Whoever reads it here has gone the long way.
    monkeypatch.setattr(FileWrapper, "__next__", lambda self: pytest.fail("read"))
    _, lines, body = answer_to(run, wrapping(file))
    assert f"Content-Length: {len(CONTENT)}" in lines
    assert body == CONTENT
    assert file.closed


def test_no_more_of_a_file_is_sent_than_its_length_says(run, file):
    _, _, body = answer_to(run, wrapping(file, [("Content-Length", "1000")]))
    assert body == CONTENT[:1000]


def test_a_file_isnt_sent_in_response_to_head(run, file):
    _, lines, body = answer_to(run, wrapping(file), HEAD)
    assert f"Content-Length: {len(CONTENT)}" in lines
    assert body == b""
    assert file.closed


def test_the_connection_goes_on_after_a_file(run, file):
    def main():
        with WSGIServer(LOCAL, wrapping(file)) as server, connect(server) as client:
            client.sendall(get())
            body = next_response(client)[2]
            client.sendall(LAST)
            receive_all(client)
            return body

    assert run(main) == CONTENT


@pytest.mark.parametrize("kind", ["in memory", "pipe"])
def test_what_is_no_file_on_a_disk_is_read(run, kind):
    def opened():
        if kind == "in memory":
            return io.BytesIO(CONTENT[:5000])
        reader, writer = os.pipe()
        os.write(writer, CONTENT[:5000])
        os.close(writer)
        return os.fdopen(reader, "rb")

    file = opened()
    _, _, body = answer_to(run, wrapping(file), OLD)
    assert body == CONTENT[:5000]
    assert file.closed


def test_a_file_is_sent_over_tls(run, file):
    def main():
        certificate = str(CERTIFICATES / "server.pem")
        server = WSGIServer(LOCAL, wrapping(file), certfile=certificate)
        with server, connect_tls(server) as client:
            client.sendall(LAST)
            return receive_all(client)

    _, _, body = parts(run(main))
    assert body == CONTENT


def test_https_is_in_the_environ(run):
    application = answering(b"")

    def main():
        certificate = str(CERTIFICATES / "server.pem")
        server = WSGIServer(LOCAL, application, certfile=certificate)
        with server, connect_tls(server) as client:
            client.sendall(get())
            next_response(client)

    run(main)
    assert application.environs[0]["wsgi.url_scheme"] == "https"
