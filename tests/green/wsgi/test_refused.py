"""What is refused: requests that two servers could read differently, too large ones, slow ones.

Each is refused however it is cut into pieces, and the application never sees it.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.green.wsgi import WSGIServer
from mainspring.green.wsgi.errors import RequestError
from mainspring.green.wsgi.reader import RequestReader
from mainspring.green.wsgi.settings import Settings
from tests.green.wsgi.support import (
    HOST,
    LOCAL,
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


def head(*lines):
    return b"".join(line + b"\r\n" for line in (b"POST / HTTP/1.1", b"Host: x", *lines, b""))


CHUNKED = b"Transfer-Encoding: chunked"

SMUGGLED = {
    "a length and chunks": head(b"Content-Length: 5", CHUNKED) + b"0\r\n\r\n",
    "chunks and a length": head(CHUNKED, b"Content-Length: 5") + b"0\r\n\r\n",
    "two lengths": head(b"Content-Length: 1", b"Content-Length: 2") + b"ab",
    "the same length twice": head(b"Content-Length: 1", b"Content-Length: 1") + b"a",
    "a list of lengths": head(b"Content-Length: 1, 1") + b"a",
    "a length with a sign": head(b"Content-Length: +1") + b"a",
    "a negative length": head(b"Content-Length: -1") + b"a",
    "a hexadecimal length": head(b"Content-Length: 0x1") + b"a",
    "a length with an underscore": head(b"Content-Length: 1_0") + b"a",
    "a length with a space": head(b"Content-Length: 1 0") + b"a",
    "an empty length": head(b"Content-Length:"),
    "a length beyond 64 bits": head(b"Content-Length: 99999999999999999999"),
    "an unknown encoding": head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "no encoding": head(b"Transfer-Encoding: identity") + b"0\r\n\r\n",
    "an empty encoding": head(b"Transfer-Encoding:") + b"0\r\n\r\n",
    "two encodings": head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunked twice": head(CHUNKED, CHUNKED) + b"0\r\n\r\n",
    "chunked in a list, twice": head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "another encoding after chunked": head(CHUNKED, b"Transfer-Encoding: x") + b"0\r\n\r\n",
    "an encoding behind a control character": head(b"Transfer-Encoding: \x0bchunked"),
    "a space before the colon": head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "chunks in HTTP/1.0": head(CHUNKED).replace(b"1.1", b"1.0") + b"0\r\n\r\n",
    "a chunk size with 0x": head(CHUNKED) + b"0x1\r\na\r\n0\r\n\r\n",
    "a chunk size with a sign": head(CHUNKED) + b"+1\r\na\r\n0\r\n\r\n",
    "a negative chunk size": head(CHUNKED) + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk size with a space": head(CHUNKED) + b"1 \r\na\r\n0\r\n\r\n",
    "a space before a chunk size": head(CHUNKED) + b" 1\r\na\r\n0\r\n\r\n",
    "an empty chunk size": head(CHUNKED) + b"\r\na\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": head(CHUNKED) + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "a chunk longer than its size": head(CHUNKED) + b"1\r\nab\r\n0\r\n\r\n",
    "a bare LF after a chunk size": head(CHUNKED) + b"1\na\r\n0\r\n\r\n",
    "a bare LF after a chunk": head(CHUNKED) + b"1\r\na\n0\r\n\r\n",
    "a bare LF in a chunk's extension": head(CHUNKED) + b"1;x\ny\r\na\r\n0\r\n\r\n",
    "a bare CR in a chunk's extension": head(CHUNKED) + b"1;x\ry\r\na\r\n0\r\n\r\n",
    "a length among the trailers": head(CHUNKED) + b"0\r\nContent-Length: 5\r\n\r\n",
    "a folded header": head(b"X: a", b" b"),
    "a folded first header": b"GET / HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n",
    "a bare LF after the request line": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "a bare LF after a header": b"GET / HTTP/1.1\r\nHost: x\nX: a\r\n\r\n",
    "a bare LF at the end of the head": b"GET / HTTP/1.1\r\nHost: x\r\n\nGET",
    "a bare CR in a header": head(b"X: a\rY: b"),
    "a NUL in a header": head(b"X: a\0b"),
    "a header without a name": head(b": a"),
    "a header without a colon": head(b"X"),
    "a space in a header's name": head(b"X Y: a"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": head(b"Host: y"),
    "a host with a path": b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: x@y\r\n\r\n",
    "a fragment": b"GET /#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "a version with more digits": b"GET / HTTP/1.10\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "a method of another protocol": b"DESCRIBE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"SMUGGLE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_could_be_read_in_two_ways_is_refused(run, name):
    answer = run(lambda: exchange(echo, SMUGGLED[name] + get("/behind")))
    assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in answer


def read(data, cuts=(), settings=None):
    """Returns what a reader makes of data that comes in pieces: requests, and the error."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = iter([data[a:b] for a, b in itertools.pairwise(edges) if b > a])
    reader = RequestReader(lambda: next(pieces, b""), settings or Settings())
    found = []
    try:
        while (request := reader.next_request()) is not None:
            body = b"".join(iter(lambda request=request: reader.read_body(request), b""))
            found.append((request.method, request.target, request.headers, body))
    except (RequestError, ConnectionError) as exc:
        found.append(str(exc))
    return found


@pytest.mark.parametrize("name", SMUGGLED)
def test_it_is_refused_byte_by_byte_too(name):
    data = SMUGGLED[name]
    whole, in_bytes = read(data), read(data, range(len(data)))
    assert isinstance(whole[-1], str)
    assert in_bytes == whole


REQUESTS = st.lists(
    st.one_of(
        st.sampled_from([get(), get("/x?y", b"X: y\r\n"), get("/", b"Upgrade: h2c\r\n")]),
        st.binary(max_size=30).map(post),
        st.lists(st.binary(min_size=1, max_size=20), max_size=3).map(lambda cs: chunked(*cs)),
        st.binary(max_size=9).map(
            lambda body: post(body, b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
        ),
        st.lists(st.binary(min_size=1, max_size=9), max_size=2).map(
            lambda cs: chunked(*cs, more=b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(REQUESTS, st.lists(st.integers(1, 400)))
def test_requests_are_the_same_however_they_are_cut(requests, cuts):
    data = b"".join(requests)
    found = read(data, cuts)
    assert found == read(data)
    assert len(found) == len(requests)
    assert all(not isinstance(one, str) for one in found)


LIMITS = {
    "a long target": (414, get("/" + "x" * 1000), {"max_request_line": 1000}),
    "many headers": (431, get("/", b"X: y\r\n" * 10), {"max_headers": 10}),
    "large headers": (431, get("/", b"X: " + b"y" * 500 + b"\r\n") * 2, {"max_headers_size": 500}),
    "a long body": (413, post(bytes(1001)), {"max_body": 1000}),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_too_large_is_refused(run, name):
    status, data, settings = LIMITS[name]
    application = answering(b"x")
    answer = run(lambda: exchange(application, data, **settings))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert application.environs == []


def test_a_body_in_chunks_that_grows_too_long_fails_where_it_is_read(run):
    data = chunked(*[bytes(400)] * 3)
    answer = run(lambda: exchange(echo_all, data, max_body=1000))
    assert answer.startswith(b"HTTP/1.1 413 ")


def echo_all(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [body]


ENDLESS = {
    "header": (get()[:-2] + b"X: ", b"y" * 1000),
    "name": (get()[:-2], b"x" * 1000),
    "extension": (chunked()[: -len(b"0\r\n\r\n")] + b"1;", b"x" * 1000),
    "trailer": (chunked()[: -len(b"\r\n")] + b"X: ", b"y" * 1000),
    "trailers": (chunked()[: -len(b"\r\n")], b"X: y\r\n" * 100),
    "chunks with large extensions": (
        chunked()[: -len(b"0\r\n\r\n")],
        b"".join(b"1;%b\r\na\r\n" % (b"x" * 200) for _ in range(5)),
    ),
}


def read_all_of(reader):
    request = reader.next_request()
    while reader.read_body(request):
        pass


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_refused_before_it_fills_the_memory(name):
    begin, more = ENDLESS[name]
    sent = 0

    def pieces():
        nonlocal sent
        yield begin
        while True:
            sent += len(more)
            yield more

    flow = pieces()
    reader = RequestReader(lambda: next(flow), Settings(max_headers_size=10_000))
    with pytest.raises(RequestError) as refused:
        read_all_of(reader)
    assert refused.value.status == 431
    assert sent < 25_000


def test_many_small_chunks_are_no_offence():
    data = chunked(*[b"x"] * 10_000)
    [(_, _, _, body)] = read(data, range(0, len(data), 1000), Settings(max_headers_size=1000))
    assert len(body) == 10_000


def test_a_head_that_takes_too_long_is_refused(run):
    def main():
        with WSGIServer(LOCAL, echo, header_timeout=0.01) as server, connect(server) as client:
            client.sendall(get()[:-2])
            return receive_all(client)

    assert run(main).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_says_nothing_is_left_without_a_word(run):
    assert run(lambda: exchange(echo, b"", header_timeout=0.01)) == b""


def test_a_head_that_comes_byte_by_byte_has_no_longer(run):
    def main():
        with WSGIServer(LOCAL, echo, header_timeout=0.05) as server, connect(server) as client:
            client.sendall(get()[:-2] + b"X: ")
            while True:
                try:
                    client.sendall(b"y")
                    client.settimeout(0.005)
                    return client.recv(100)
                except TimeoutError:
                    pass

    assert run(main).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_takes_too_long_is_refused(run):
    answer = run(lambda: exchange(echo_all, post(b"body")[:-1], body_timeout=0.01))
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_requests_before_the_one_that_is_refused_are_answered(run):
    def main():
        with WSGIServer(LOCAL, echo) as server, connect(server) as client:
            client.sendall(post(b"one") + post(b"two") + SMUGGLED["two lengths"])
            return [next_response(client)[::2] for _ in range(2)], receive_all(client)

    answered, refused = run(main)
    assert answered == [(200, b"one"), (200, b"two")]
    assert refused.startswith(b"HTTP/1.1 400 ")


def test_a_client_that_still_sends_can_read_why_it_is_refused(run):
    def main():
        with WSGIServer(LOCAL, echo, max_body=10) as server, connect(server) as client:
            client.sendall(post(bytes(2_000_000)))
            return receive_all(client)

    assert run(main).startswith(b"HTTP/1.1 413 ")


def test_what_is_refused_is_logged(run, caplog):
    caplog.set_level("INFO", "mainspring.wsgi")
    run(lambda: exchange(echo, b"GET / HTTP/1.1\r\n\r\n"))
    assert "was refused: there is no Host field" in caplog.text


@pytest.mark.parametrize("value", [-1, -0.5])
def test_a_negative_bound_is_refused(value):
    with pytest.raises(ValueError, match=f"header_timeout can't be negative, got {value}"):
        WSGIServer(LOCAL, echo, header_timeout=value)


def test_the_host_is_needed_in_http_1_1_only(run):
    assert run(lambda: exchange(echo, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert HOST in get()
